#include "index/id_hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace throng::index {

uint64_t IdHash(std::string_view id) { return XXH64(id.data(), id.size(), 0); }
uint64_t SaltHash(std::string_view salt) { return XXH64(salt.data(), salt.size(), 0); }

}  // namespace throng::index
