#!/usr/bin/env node
/** The program docker-credential-berth: gives clients the logins of this user, by the protocol of helper-protocol.ts. */
import { helperMain } from './helper-program.ts';

await helperMain(process.argv.slice(2));
