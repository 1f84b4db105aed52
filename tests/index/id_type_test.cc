#include "index/id_type.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "index/error.h"
#include "index/id_fault.h"

namespace throng::index {
namespace {

using enum IdNormalizer;

struct Case {
  std::vector<IdNormalizer> normalizers;
  std::string id;
  std::string expected;  // the id, or the reason it is refused
  bool is_refused = false;
};

TEST(IdTypeTest, NormalizesInOrder) {
  const std::vector<Case> cases = {
      {{}, " As Is ", " As Is "},
      {{}, "", "EMPTY_ID", true},
      {{kTrim}, " \t a b\r\n", "a b"},
      {{kTrim}, "  ", "EMPTY_ID", true},
      {{kLowercaseHex}, "00FFaB9", "00ffab9"},
      {{kLowercaseHex}, "00fg", "NOT_HEX", true},
      {{kLowercaseHex}, " 00", "NOT_HEX", true},
      {{kTrim, kLowercaseHex}, " 00 ", "00"},
      {{kLowercaseHex, kTrim}, " 00 ", "NOT_HEX", true},
      {{kPhoneDigits}, "+86 (138) 0000-1111", "8613800001111"},
      {{kPhoneDigits}, "007", "007"},
      {{kPhoneDigits}, "none", "EMPTY_ID", true},
      {{kLowercase}, "Ana@Example.COM", "ana@example.com"},
      {{kLowercase}, "ÄB", "Äb"},
      {{}, std::string(128, 'a'), std::string(128, 'a')},
      {{}, std::string(129, 'a'), "ID_TOO_LONG", true},
      {{kPhoneDigits}, std::string(200, '-') + "1", "1"},
      {{}, "\xff", "INVALID_UTF8", true},
  };
  for (const Case& c : cases) {
    const absl::StatusOr<std::string> id =
        NormalizeId({.id = 1, .name = "t", .normalizers = c.normalizers}, c.id);
    ASSERT_EQ(id.ok(), !c.is_refused) << c.id << ": " << id.status();
    EXPECT_EQ(id.ok() ? *id : GetErrorDetail(id.status())->reason, c.expected);
    std::string kept = "what was there";
    const IdFault fault =
        NormalizeInto({.id = 1, .name = "t", .normalizers = c.normalizers}, c.id, &kept);
    EXPECT_EQ(fault == IdFault::kNone ? kept : IdFaultName(fault), c.expected);
    if (id.ok()) {
      EXPECT_EQ(*NormalizeId({.id = 1, .name = "t", .normalizers = c.normalizers}, *id), *id)
          << "a normalized id is its own form";
    }
  }
}

TEST(IdTypeTest, RefusesBadDefinitions) {
  EXPECT_TRUE(Validate(IdTypeDefinition{.name = "phone", .normalizers = {kTrim}}).ok());
  EXPECT_TRUE(Validate(IdTypeDefinition{.name = std::string(128, 'n')}).ok());
  const std::vector<std::pair<IdTypeDefinition, std::string>> bad = {
      {{.name = ""}, "id_type.name"},
      {{.name = "a/b"}, "id_type.name"},
      {{.name = "a\n"}, "id_type.name"},
      {{.name = "\xff"}, "id_type.name"},
      {{.name = std::string(129, 'n')}, "id_type.name"},
      {{.name = "n", .display_name = std::string(4097, 'd')}, "id_type.display_name"},
      {{.name = "n", .normalizers = std::vector(9, kTrim)}, "id_type.normalizers"},
      {{.name = "n", .normalizers = {static_cast<IdNormalizer>(5)}}, "id_type.normalizers"},
  };
  for (const auto& [definition, field] : bad) {
    const absl::Status status = Validate(definition);
    ASSERT_FALSE(status.ok()) << field;
    EXPECT_EQ(GetErrorDetail(status)->field, field) << status;
  }
}

}  // namespace
}  // namespace throng::index
