/**
 * What a tidy rule is: a name, what to do, how it looks for breaches, and small samples that prove it looks.
 * Rules read text only, never the disk, so that a sample and the repository are the same thing to them.
 * @module
 */

export interface SourceFile {
  /** From the root of the checkout, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

export interface Finding {
  readonly path: string;
  /** From 1. */
  readonly line: number;
  readonly what: string;
}

export interface Rule {
  readonly name: string;
  /** What the reader of a finding should do. */
  readonly repair: string;
  find(files: readonly SourceFile[]): Finding[];
  /** Small repositories in which the rule must find something. */
  readonly bad: readonly (readonly SourceFile[])[];
  /** A small repository in which it must find nothing. */
  readonly good: readonly SourceFile[];
}

export function sample(path: string, ...lines: readonly string[]): SourceFile {
  return { path, text: `${lines.join('\n')}\n` };
}

/** A search over each file whose path matches, one at a time. */
export function inEach(path: RegExp, find: (file: SourceFile) => Finding[]): Rule['find'] {
  return (files) => files.filter((file) => path.test(file.path)).flatMap(find);
}

/** A search over each line of each file whose path matches; a text is what is wrong with the line. */
export function inLines(path: RegExp, judge: (line: string, file: SourceFile) => string | null): Rule['find'] {
  return inEach(path, (file) =>
    file.text.split('\n').flatMap((line, index) => {
      const what = judge(line, file);
      return what === null ? [] : [{ path: file.path, line: index + 1, what }];
    }),
  );
}

/** TypeScript written by hand. */
export const TYPESCRIPT = /(?<!\.gen)\.tsx?$/;
export const ZIG = /\.zig$/;
