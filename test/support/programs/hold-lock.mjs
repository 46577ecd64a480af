// Another program that writes to the file: holds its lock for some time, from when it says so.
import Database from 'better-sqlite3';

const [, , path, holdMs] = process.argv;
const database = new Database(path);
database.exec('BEGIN IMMEDIATE');
process.send('locked');
setTimeout(() => {
  database.exec('COMMIT');
  database.close();
  process.disconnect();
}, Number(holdMs));
