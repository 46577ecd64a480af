/** The version of this package; a test holds it to `package.json`. @internal */
export const VERSION = '0.1.0';
