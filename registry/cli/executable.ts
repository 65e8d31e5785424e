/**
 * The single executable, which is two programs: berth, and docker-credential-berth where it is started by that name or with
 * that word first. The word is for the desktop app, beside which it lies once.
 */
import { basename } from 'node:path';
import { helperMain } from '../../main/engine/login/helper-program.ts';
import { helperProgram } from '../../main/engine/login/helper-protocol.ts';
import { main } from './main.ts';

const words = process.argv.slice(2);

if (basename(process.argv0).replace(/\.exe$/i, '') === helperProgram) void helperMain(words);
else if (words[0] === helperProgram) void helperMain(words.slice(1));
else void main();
