#include "shares.h"

#include <botan/mem_ops.h>
#include <botan/system_rng.h>
#include <botan/tss.h>

#include <cstring>
#include <vector>

namespace {

// draft-mcgrew-tss-03 §3.5: identifier (16), hash (1), threshold (1), length (2), then the number and its bytes. The
// identifier is zero, and no hash is in it: whether the joined secret is the one is told by what it opens.
constexpr size_t header_size = 20;
constexpr size_t size_limit = 1024;
constexpr size_t count_limit = 16;

Botan::secure_vector<uint8_t> packed(uint8_t number, const uint8_t *value, size_t size, uint8_t needed) {
  Botan::secure_vector<uint8_t> share(header_size + 1 + size);
  share[17] = needed;
  share[18] = static_cast<uint8_t>((size + 1) >> 8);
  share[19] = static_cast<uint8_t>(size + 1);
  share[header_size] = number;
  std::memcpy(share.data() + header_size + 1, value, size);
  return share;
}

bool fits(size_t size, uint8_t needed, size_t count) {
  return size > 0 && size <= size_limit && needed >= 2 && count >= needed && count <= count_limit;
}

}  // namespace

extern "C" int shares_split(const uint8_t *secret, size_t size, uint8_t needed, uint8_t count, uint8_t *values) {
  if (!fits(size, needed, count)) return 0;
  try {
    Botan::System_RNG random;
    const auto shares = Botan::RTSS_Share::split(
        needed, count, secret, static_cast<uint16_t>(size), std::vector<uint8_t>(16), "None", random);
    for (size_t i = 0; i < shares.size() && i < count; ++i) {
      if (shares[i].size() != header_size + 1 + size || shares[i].share_id() != i + 1) throw 0;
      std::memcpy(values + i * size, shares[i].data().data() + header_size + 1, size);
    }
    if (shares.size() == count) return 1;
  } catch (...) {
  }
  Botan::secure_scrub_memory(values, size * count);
  return 0;
}

extern "C" int shares_join(
    const uint8_t *numbers, const uint8_t *values, size_t count, size_t size, uint8_t needed, uint8_t *secret) {
  if (!fits(size, needed, count)) return 0;
  try {
    std::vector<Botan::RTSS_Share> shares;
    for (size_t i = 0; i < count; ++i) {
      // The number 0 is the secret's own.
      if (numbers[i] == 0) return 0;
      const auto share = packed(numbers[i], values + i * size, size, needed);
      shares.emplace_back(share.data(), share.size());
    }
    const auto joined = Botan::RTSS_Share::reconstruct(shares);
    if (joined.size() != size) return 0;
    std::memcpy(secret, joined.data(), size);
    return 1;
  } catch (...) {
  }
  Botan::secure_scrub_memory(secret, size);
  return 0;
}
