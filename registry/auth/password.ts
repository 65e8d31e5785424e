/** Passwords: what can be one, how one is made, how it is hashed outside the registry's busy life. */
import { randomInt } from 'node:crypto';
import { hash } from 'bcryptjs';
import { AppError } from '../spec/errors.ts';
import { ownCost } from './users.ts';

/** bcrypt reads 72 bytes and drops the rest, so a longer password would match by its beginning. */
const maxPasswordBytes = 72;

/** Letters and digits that are not mistaken for each other. */
const alphabet = 'ABCDEFGHJKMNPQRSTVWXYZabcdefghjkmnpqrstvwxyz23456789';
const generatedLength = 20;

/** Answers 20 random letters and digits: 113 bits. */
export function generatePassword(): string {
  return Array.from({ length: generatedLength }, () => alphabet[randomInt(alphabet.length)]).join('');
}

/** True if bcrypt sees every byte: at most 72 bytes of UTF-8, no NUL (C libraries stop there). */
export function isHashable(password: string): boolean {
  return (
    Buffer.byteLength(password) <= maxPasswordBytes && !password.includes('\0') && password.isWellFormed()
  );
}

/** Throws PASSWORD_INVALID for a password that must not be set. */
export function checkNewPassword(password: string): void {
  if (password === '') throw new AppError('PASSWORD_INVALID', { message: 'The password is empty.' });
  if (Buffer.byteLength(password) > maxPasswordBytes) {
    throw new AppError('PASSWORD_INVALID', {
      message: `The password is longer than ${maxPasswordBytes} bytes; bcrypt would ignore the rest.`,
    });
  }
  if (!isHashable(password) || /\p{Cc}/u.test(password)) {
    throw new AppError('PASSWORD_INVALID', { message: 'The password holds control characters.' });
  }
}

/**
 * Hashes a new password. It takes the thread for about 75 ms: for commands and the first start. A serving registry
 * uses the worker threads (Auth.hashPassword). Throws PASSWORD_INVALID.
 */
export async function hashPassword(password: string): Promise<string> {
  checkNewPassword(password);
  return await hash(password, ownCost);
}
