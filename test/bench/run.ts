/** `npm run bench [-- scale]`: beside docker-registry, or alone over growing numbers of tags. */
const [what = 'compare'] = process.argv.slice(2);

if (what === 'compare') await import('./compare.ts');
else if (what === 'scale') await import('./scale.ts');
else {
  process.stderr.write('use: npm run bench [-- scale]\n');
  process.exitCode = 2;
}
