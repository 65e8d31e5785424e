/** `npm run bench [-- scale | window]`: beside docker-registry, over growing numbers of tags, or the window in Chromium. */
const [what = 'compare'] = process.argv.slice(2);

if (what === 'compare') await import('./compare.ts');
else if (what === 'scale') await import('./scale.ts');
else if (what === 'window') await import('./window.ts');
else {
  process.stderr.write('use: npm run bench [-- scale | window]\n');
  process.exitCode = 2;
}
