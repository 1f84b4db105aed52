// The test vectors of docs/expressions.md, which other systems check their own hash against.
#include <cstdint>
#include <string_view>

#include "gtest/gtest.h"
#include "index/id_hash.h"

namespace throng::query {
namespace {

TEST(BucketHashTest, DocumentedVectors) {
  struct Vector {
    std::string_view id;
    std::string_view salt;
    uint64_t id_hash;
    uint64_t salt_hash;
    uint64_t place;
    uint32_t bucket;
  };
  constexpr Vector kVectors[] = {
      {"1", "", 0xb7b41276360564d4, 0xef46db3751d8e999, 0x30eab6e58874c9a3, 191'081},
      {"1", "spring", 0xb7b41276360564d4, 0x5cc0f0871e0ed5e6, 0x64b4da5ecf548367, 393'384},
      {"2", "spring", 0x6021b5621680598b, 0x5cc0f0871e0ed5e6, 0xf077e8a5e727c006, 939'329},
      {"42", "spring", 0x6de6f5d076d742b9, 0x5cc0f0871e0ed5e6, 0xb0af90e29bf7fae5, 690'178},
      {"u17", "spring", 0x39b6cde97ad2bbfd, 0x5cc0f0871e0ed5e6, 0x6a0965905975b32d, 414'205},
      {"18446744073709551615", "spring", 0x8d1f8f6d8dfa7c47, 0x5cc0f0871e0ed5e6, 0x92150ae135cac9ca,
       570'633},
      {"用户", "spring", 0xef42ebbe5188438a, 0x5cc0f0871e0ed5e6, 0x7b63d46c392f6102, 481'992},
      {"u17", "春", 0x39b6cde97ad2bbfd, 0x8953ad16d46b431b, 0x6404e8a681e1fb2f, 390'699},
      {"0123456789012345678901234567890123456789", "spring_sale_2024", 0xca6fc80cbde1a931,
       0x2d74d5fff8345f62, 0xda36ff87d81f35a8, 852'401},
  };
  for (const Vector& v : kVectors) {
    EXPECT_EQ(index::IdHash(v.id), v.id_hash) << v.id;
    EXPECT_EQ(index::SaltHash(v.salt), v.salt_hash) << v.salt;
    EXPECT_EQ(index::PlaceOf(v.id_hash, v.salt_hash), v.place) << v.id << " " << v.salt;
    EXPECT_EQ(index::BucketOf(v.id_hash, v.salt_hash), v.bucket) << v.id << " " << v.salt;
  }
}

}  // namespace
}  // namespace throng::query
