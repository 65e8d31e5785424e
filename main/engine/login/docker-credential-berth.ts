#!/usr/bin/env node
/** The program docker-credential-berth: gives clients the logins of this user, by the protocol of helper-protocol.ts. */
import { version } from '../../../registry/version.ts';
import { thisHost } from '../host.ts';
import { runHelper } from './helper-protocol.ts';

const host = thisHost(process.env);
const { code, stdout } = await runHelper(host, process.argv.slice(2), { stdin: process.stdin, version });
process.stdout.write(stdout);
process.exitCode = code;
