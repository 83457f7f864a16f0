// Threshold secret sharing (draft-mcgrew-tss-03) by Botan's RTSS, as three numbers and bytes: of the rooms, KeyVault alone
// knows it. Nothing is computed here but by Botan.
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Splits a secret of `size` bytes into `count` shares, of which `needed` give it back. `values` has room for count · size
/// bytes: the share whose number (x) is i + 1 lies at i · size. 1, or 0 with nothing left in `values`.
int shares_split(const uint8_t *secret, size_t size, uint8_t needed, uint8_t count, uint8_t *values);

/// Joins `count` shares, of which `needed` were to suffice: `numbers` has each one's, `values` their bytes in the same order.
/// `secret` has room for `size` bytes. 1, or 0 with nothing left in `secret`: too few, or one twice. Shares that are of no
/// one secret give some bytes.
int shares_join(
    const uint8_t *numbers, const uint8_t *values, size_t count, size_t size, uint8_t needed, uint8_t *secret);

#ifdef __cplusplus
}
#endif
