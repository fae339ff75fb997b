// SPDX-License-Identifier: Apache-2.0
// Debian's Chromium with a fresh profile, and the few steps that tests and the screenshot take on the page.
import { chromium } from 'playwright-core';

const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'];

// Every launch gets a profile folder of its own, removed on close.
export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: flags, timeout: 60_000 });

// One person: a context of its own, which shares nothing with the others but the server.
// page.wrong collects the events that must not happen: script errors, refused content, requests to other hosts.
// `prepare(page)` runs before the page loads.
export async function person(browser, url, { prepare = async () => {}, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1180, height: 760 }, locale: 'en-GB', ...options });
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  page.wrong = [];
  page.on('pageerror', (error) => page.wrong.push(String(error)));
  page.on('console', (line) => {
    if (line.type() === 'error' && !/WebSocket connection|net::ERR_/.test(line.text())) page.wrong.push(line.text());
  });
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== new URL(url).origin) page.wrong.push(`asked for ${request.url()}`);
  });
  await prepare(page);
  await page.goto(url);
  return page;
}

export const online = (page) => page.locator('#strip[data-phase="ready"]').waitFor();

export async function enter(page, name, room) {
  await page.getByLabel('Your name').fill(name);
  await page.getByLabel('Room', { exact: true }).fill(room);
  await page.getByRole('button', { name: 'Join' }).click();
  await online(page);
  await someone(page, name).waitFor({ state: 'attached' });
}

export const someone = (page, name) => page.locator('#people li').filter({ has: page.locator('.name').getByText(name, { exact: true }) });

export async function say(page, text) {
  await page.locator('#text').fill(text);
  await page.locator('#text').press('Enter');
}

export const message = (page, text) => page.locator('.message').filter({ has: page.locator('.text').getByText(text, { exact: true }) });

export const texts = (page) => page.locator('#messages .text').allTextContents();
