/** Commands about what a team has declared: its own templates and rules. @module */
import type { Command } from 'commander';
import { declaredInput, KEY_NAMES, type Declared, type DeclaredKind } from '../declared.ts';
import { readDocument } from '../document.ts';
import { group } from '../group.ts';
import { takes, TARGET } from '../options.ts';
import type { Answer } from '../printer.ts';
import { run } from '../run.ts';
import type { Session } from '../session.ts';
import { clean, facts, type Style, table, timeText } from '../text.ts';
import { asObject } from '../../config/input.ts';
import type { ResourceWrite } from '../../journal/resources.ts';

const WRITES = [...TARGET, 'reason', 'actor', 'ifRevision'] as const;
const COLUMNS: Readonly<Record<DeclaredKind, readonly string[]>> = {
  template: ['template', 'made by', 'for'],
  rule: ['rule', 'made by', 'severity', 'asks for'],
};

export function addDeclared(program: Command): void {
  addKind(program, 'template', 'the templates there are; make your own');
  addKind(program, 'rule', 'what validation asks of configs; make your own (beta)');
}

function addKind(program: Command, kind: DeclaredKind, description: string): void {
  const members = group(program, `${kind}s`, description);
  const keyName = KEY_NAMES[kind];
  takes(members.command('list'), ...TARGET)
    .description(`list the ${kind}s, built in and your own`)
    .action(run((session) => list(session, kind)));
  takes(members.command('show'), ...TARGET)
    .description(`show a ${kind}`)
    .argument(`<${kind}>`, `its ${keyName}`)
    .action(run((session, key: string) => show(session, kind, key)));
  takes(members.command('save'), ...WRITES)
    .description(`make or replace a ${kind} of your own`)
    .argument(`<${keyName}>`, kind === 'template' ? 'team-default, ...' : 'TEAM_METRICS, ...')
    .argument('<file>', 'JSON or YAML, also what `show --json` printed; - reads stdin')
    .action(run((session, key: string, file: string) => save(session, kind, key, file)));
  takes(members.command('delete'), ...WRITES)
    .description(`delete a ${kind} of your own`)
    .argument(`<${kind}>`, `its ${keyName}`)
    .action(run((session, key: string) => remove(session, kind, key)));
}

async function list(session: Session, kind: DeclaredKind): Promise<Answer> {
  const found = await (await session.target()).declared(kind);
  return {
    data: { [`${kind}s`]: found },
    text: (style) =>
      table(
        style,
        COLUMNS[kind],
        found.map((one) => rowOf(kind, one)),
        COLUMNS[kind].at(-1)!,
      ),
  };
}

function rowOf(kind: DeclaredKind, one: Declared): string[] {
  const by = one.isBuiltin ? 'built in' : String(one.modifiedBy);
  if (kind === 'template') return [String(one['name']), by, String(one['description'])];
  return [String(one['code']), by, String(one['severity']), String(one['message'] ?? one['hint'])];
}

async function show(session: Session, kind: DeclaredKind, key: string): Promise<Answer> {
  return shown(await (await session.target()).findDeclared(kind, key));
}

function shown(one: Declared): Answer {
  const modifiedAt = one.modifiedAt === null ? null : timeText(one.modifiedAt);
  return { data: one, text: (style: Style) => facts(style, { ...one, modifiedAt }) };
}

async function save(session: Session, kind: DeclaredKind, key: string, file: string): Promise<Answer> {
  const write = writeOf(session);
  const { input, revision } = declaredInput(kind, key, asObject(kind, await readDocument(file)));
  const target = await session.target();
  const saved = await target.saveDeclared(kind, key, input, { ...write, expected: write.expected ?? revision });
  return {
    data: saved,
    text: (style) => `${style.green('saved')} ${clean(`${kind} ${key} (revision ${saved.revision})`)}`,
  };
}

async function remove(session: Session, kind: DeclaredKind, key: string): Promise<Answer> {
  await (await session.target()).deleteDeclared(kind, key, writeOf(session));
  return { data: { [KEY_NAMES[kind]]: key }, text: () => `deleted ${kind} ${clean(key)}` };
}

function writeOf(session: Session): ResourceWrite {
  const { actor, reason, expected } = session.write();
  return { actor, reason, expected };
}
