// SPDX-License-Identifier: Apache-2.0
// The longest time of a test: a test that waits in vain ends all the same. Where a duration matters, the test asserts
// it.
export const bounded = { timeout: 120_000 };
