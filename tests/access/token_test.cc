// Tokens, their digests, and the roles.
#include "server/access/token.h"

#include <algorithm>
#include <set>
#include <string>

#include "gtest/gtest.h"
#include "server/access/rights.h"

namespace throng::access {
namespace {

TEST(TokenTest, DigestsAreSha256) {
  EXPECT_EQ(DigestToHex(DigestOf("")),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(DigestToHex(DigestOf("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(TokenTest, NewOnesDifferAndHaveTheFormOfTokens) {
  std::set<std::string> tokens;
  for (int i = 0; i < 1'000; ++i) {
    const absl::StatusOr<std::string> token = NewToken();
    ASSERT_TRUE(token.ok()) << token.status();
    ASSERT_TRUE(token->starts_with("throng_")) << *token;
    ASSERT_EQ(token->size(), 7 + 43);
    EXPECT_TRUE(std::all_of(token->begin(), token->end(), [](unsigned char c) {
      return std::isalnum(c) != 0 || c == '-' || c == '_';
    })) << *token;
    tokens.insert(*token);
  }
  EXPECT_EQ(tokens.size(), 1'000);
}

TEST(TokenTest, HexComesBack) {
  const TokenDigest digest = DigestOf("x");
  EXPECT_EQ(DigestFromHex(DigestToHex(digest)), digest);
  const std::string hex = DigestToHex(digest);
  EXPECT_EQ(DigestFromHex(hex.substr(1)), std::nullopt);
  EXPECT_EQ(DigestFromHex(hex + "0"), std::nullopt);
  EXPECT_EQ(DigestFromHex("G" + hex.substr(1)), std::nullopt);
  EXPECT_EQ(DigestFromHex(""), std::nullopt);
}

TEST(TokenTest, DigestsAreComparedWhole) {
  TokenDigest digest = DigestOf("x");
  const TokenDigest same = digest;
  EXPECT_TRUE(SameDigest(digest, same));
  for (size_t i = 0; i < digest.size(); ++i) {
    digest = same;
    digest[i] ^= 1;
    EXPECT_FALSE(SameDigest(digest, same)) << i;
  }
}

TEST(RightsTest, RolesHaveWhatTheirNamesSay) {
  EXPECT_EQ(FindRole("viewer"), RightSet({Right::kBrowse, Right::kCount}));
  EXPECT_FALSE(FindRole("operator")->Has(Right::kExport));
  EXPECT_FALSE(FindRole("operator")->Has(Right::kPortrait));
  EXPECT_FALSE(FindRole("operator")->Has(Right::kUpload));
  EXPECT_FALSE(FindRole("loader")->Has(Right::kCount));
  EXPECT_EQ(FindRole("portrait"), RightSet({Right::kPortrait}));
  EXPECT_EQ(FindRole("superuser"), std::nullopt);
  EXPECT_EQ(FindRole(""), std::nullopt);
}

// An admin has every right that there is, and no role has that of a call without a rule.
TEST(RightsTest, NobodyIsNobody) {
  for (int i = 1; i < kRights; ++i) {
    EXPECT_TRUE(FindRole("admin")->Has(static_cast<Right>(i))) << RightName(static_cast<Right>(i));
  }
  for (const Role& role : Roles()) EXPECT_FALSE(role.rights.Has(Right::kNobody)) << role.name;
}

}  // namespace
}  // namespace throng::access
