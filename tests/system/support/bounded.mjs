// SPDX-License-Identifier: Apache-2.0
// For how long a test may take at most: one that waits for what never comes ends all the same. How long something takes
// is asserted where it matters.
export const bounded = { timeout: 120_000 };
