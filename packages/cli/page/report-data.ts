/**
 * The types of what the program hands to the page. They stand in another project of the compiler, which refuses a path
 * that ends in `.ts` from there, even though nothing of this import is left in what it writes; hence `.js`.
 */
export type * from '../src/report/report-data.ts'
