// Leaves out what is not there: optional properties are absent in this project, never undefined.

type Present<T> = { readonly [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  readonly [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/**
 * The properties of `values` that have a value. Where each of thousands is asked, conditional spreads are dear: with them a line of the
 * list took 4 KB, with this 0.6.
 */
export function present<const T extends object>(values: T): Present<T> {
  const kept: Partial<T> = {};
  for (const key in values) if (values[key] !== undefined) kept[key] = values[key];
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Just the keys with a value are left, which TypeScript cannot see.
  return kept as unknown as Present<T>;
}
