#!/usr/bin/env node
import { runCommand } from './commands.js';

const { exitCode, output, errors } = await runCommand(process.argv.slice(2));
process.stdout.write(output);
process.stderr.write(errors);
process.exitCode = exitCode;
