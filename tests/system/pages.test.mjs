// SPDX-License-Identifier: Apache-2.0
// The pages for people: every link in them leads to a file and a heading that exist, and lines end at 120 columns.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const project = fileURLToPath(new URL('../..', import.meta.url));
const decisions = 'docs/decisions';
const markdownIn = (folder) =>
  readdirSync(join(project, folder)).filter((name) => name.endsWith('.md')).map((name) => join(folder, name));
const pages = ['.', 'docs', decisions].flatMap(markdownIn);

// The lines of a page that are not code, with their numbers.
function prose(page) {
  const lines = readFileSync(join(project, page), 'utf8').split('\n').map((text, at) => ({ text, number: at + 1 }));
  let code = false;
  return lines.filter(({ text }) => {
    if (!text.startsWith('```')) return !code;
    code = !code;
    return false;
  });
}

// The anchors that GitHub makes of headings: lower case, without punctuation, blanks as hyphens, repetitions numbered.
function anchors(page) {
  const seen = new Map();
  return new Set(prose(page).flatMap(({ text }) => {
    const [, heading] = /^#+ (.*)/.exec(text) ?? [];
    if (heading === undefined) return [];
    const anchor = heading.trim().toLowerCase().replace(/[^\p{L}\p{N}_\- ]/gu, '').replaceAll(' ', '-');
    const before = seen.get(anchor) ?? 0;
    seen.set(anchor, before + 1);
    return before === 0 ? anchor : `${anchor}-${before}`;
  }));
}

function fault(page, target) {
  if (/^[a-z]+:/.test(target)) return null;
  const [path, anchor] = target.split('#');
  const file = path === '' ? page : relative(project, join(project, dirname(page), path));
  if (!existsSync(join(project, file))) return `there is no ${file}`;
  return anchor && !anchors(file).has(anchor) ? `${file} has no heading #${anchor}` : null;
}

test('every link in a page leads somewhere', () => {
  const links = pages.flatMap((page) => prose(page).flatMap(({ text, number }) =>
    [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => ({ page, number, target }))));
  assert.ok(links.length > 50);
  const broken = links.map((link) => ({ ...link, why: fault(link.page, link.target) })).filter(({ why }) => why);
  assert.deepEqual(broken.map(({ page, number, target, why }) => `${page}:${number}: ${target}: ${why}`), []);
});

test('every decision is in the index', () => {
  const index = readFileSync(join(project, decisions, 'README.md'), 'utf8');
  const records = readdirSync(join(project, decisions)).filter((name) => /^\d{4}-.*\.md$/.test(name));
  assert.ok(records.length > 0);
  assert.deepEqual(records.filter((name) => !index.includes(`(${name})`)), []);
});

// A table cell and a long word, such as a link, cannot be broken.
test('lines of text end at 120 columns', () => {
  const long = pages.filter((page) => page !== 'CHANGELOG.md').flatMap((page) => prose(page)
    .filter(({ text }) => [...text].length > 120 && !text.startsWith('|') && !text.startsWith('!['))
    .map(({ number }) => `${page}:${number}`));
  assert.deepEqual(long, []);
});
