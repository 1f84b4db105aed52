#include "index/catalogue.h"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "index/error.h"
#include "index/utf8.h"

namespace throng::index {
namespace {

Catalogue::Entry MakeEntry(uint32_t id, const std::string& name, int sensitivity = 0) {
  auto entry = std::make_shared<TagEntry>();
  entry->definition.id = id;
  entry->definition.name = name;
  entry->definition.sensitivity = sensitivity;
  entry->values = std::make_shared<ValueDictionary>();
  return entry;
}

TEST(ValueDictionaryTest, ExtendKeepsCodesAndLeavesTheBaseAlone) {
  const auto first = ValueDictionary::Extend(ValueDictionary(), {"Beijing", "Tianjin"});
  const auto second = ValueDictionary::Extend(*first, {"上海", " "});
  EXPECT_EQ(first->size(), 2u);
  EXPECT_EQ(first->Find("上海"), std::nullopt);
  ASSERT_EQ(second->size(), 4u);
  EXPECT_EQ(second->Find("Beijing"), 0u);
  EXPECT_EQ(second->Find("Tianjin"), 1u);
  EXPECT_EQ(second->Find("上海"), 2u);
  EXPECT_EQ(second->Find(" "), 3u);
  EXPECT_EQ(second->Find("beijing"), std::nullopt);  // values are exact
  EXPECT_EQ(second->value(2), "上海");
}

TEST(ValueDictionaryTest, OutlivesItsBase) {
  auto dictionary = ValueDictionary::Extend(ValueDictionary(), {"a value longer than any buffer"});
  for (int i = 0; i < 100; ++i) {
    dictionary = ValueDictionary::Extend(*dictionary, {"value " + std::to_string(i)});
  }
  EXPECT_EQ(dictionary->Find("a value longer than any buffer"), 0u);
  EXPECT_EQ(dictionary->Find("value 99"), 100u);
}

TEST(CatalogueTest, WithAddsReplacesAndRenames) {
  const Catalogue empty;
  EXPECT_EQ(empty.next_id(), 1u);
  const auto one = empty.With(MakeEntry(1, "city"));
  const auto two = one->With(MakeEntry(2, "age"));
  EXPECT_EQ(one->Find("age"), nullptr);
  ASSERT_NE(two->Find("age"), nullptr);
  EXPECT_EQ(two->Find("age")->definition.id, 2u);
  EXPECT_EQ(two->FindById(1)->definition.name, "city");
  EXPECT_EQ(two->next_id(), 3u);
  EXPECT_EQ(two->by_name().begin()->first, "age");

  const auto renamed = two->With(MakeEntry(1, "town"));
  EXPECT_EQ(renamed->Find("city"), nullptr);
  EXPECT_EQ(renamed->Find("town")->definition.id, 1u);
  EXPECT_EQ(renamed->by_name().size(), 2u);
  EXPECT_NE(two->Find("city"), nullptr);
}

TEST(CatalogueTest, UnknownIdsAreNotFound) {
  const auto catalogue = Catalogue().With(MakeEntry(2, "age"));  // id 1 is a gap
  for (const uint32_t id : {0u, 1u, 3u, 4'294'967'295u}) {
    EXPECT_EQ(catalogue->FindById(id), nullptr) << id;
    EXPECT_EQ(catalogue->Share(id), nullptr) << id;
  }
  EXPECT_EQ(catalogue->Share(2).get(), catalogue->Find("age"));
}

TEST(CatalogueViewTest, HidesWhatIsTooSensitive) {
  const auto catalogue = Catalogue()
                             .With(MakeEntry(1, "income", 3))
                             ->With(MakeEntry(2, "city", 2))
                             ->With(MakeEntry(3, "age", 0));
  const CatalogueView view(*catalogue, Visibility{.sensitivity_max = 2});
  EXPECT_EQ(view.Find("income"), nullptr);
  EXPECT_NE(view.Find("city"), nullptr);
  EXPECT_EQ(view.NearestTag("incom"), "");
  EXPECT_EQ(view.NearestTag("cty"), "city");
  ASSERT_EQ(view.List().size(), 2u);
  EXPECT_EQ(view.List()[0]->definition.name, "age");
  EXPECT_EQ(CatalogueView(*catalogue, Visibility{}).NearestTag("incom"), "income");
}

TEST(NearestNameTest, Table) {
  const std::vector<std::string_view> names = {"city", "register_date", "views_7d", "城市名"};
  struct Case {
    std::string_view name;
    std::string_view nearest;
  };
  const Case cases[] = {
      {"citty", "city"},
      {"CITY", "city"},
      {"ciyt", "city"},  // a transposition is one edit
      {"ct", ""},        // 2 edits, a third of 4 is 1
      {"registre_dat", "register_date"},
      {"views_30d", "views_7d"},
      {"城市石", "城市名"},  // code points, not bytes
      {"", ""},
      {"something else", ""},
  };
  for (const Case& c : cases) EXPECT_EQ(NearestName(c.name, names), c.nearest) << c.name;
  EXPECT_EQ(NearestName("x", {}), "");
}

TEST(NearestNameTest, TakesTheNearestThenTheFirst) {
  EXPECT_EQ(NearestName("tag_a", {"tag_bc", "tag_b", "tag_c"}), "tag_b");
}

TEST(NearestNameTest, LooksAtSoManyNames) {
  std::vector<std::string> texts;
  for (int i = 0; i < 100'000; ++i)
    texts.push_back(std::string(120, static_cast<char>(i % 20 + 'A')));
  std::vector<std::string_view> names(texts.begin(), texts.end());
  names.push_back("zebra");
  EXPECT_EQ(NearestName("zebr", names), "");  // the 100,001st
  names[99'999] = "zebra";
  EXPECT_EQ(NearestName("zebr", names), "zebra");
}

TEST(TagDefinitionTest, ValidateNamesTheField) {
  struct Case {
    std::function<void(TagDefinition*)> change;
    std::string_view reason;
    std::string_view field;
  };
  const Case cases[] = {
      {[](TagDefinition* d) { d->name = ""; }, "INVALID_NAME", "tag.name"},
      {[](TagDefinition* d) { d->name = "a/b"; }, "INVALID_NAME", "tag.name"},
      {[](TagDefinition* d) { d->name = "a\nb"; }, "INVALID_NAME", "tag.name"},
      {[](TagDefinition* d) { d->name = "a\xc2\x85"; }, "INVALID_NAME", "tag.name"},
      {[](TagDefinition* d) { d->name = "\xff"; }, "INVALID_UTF8", "tag.name"},
      {[](TagDefinition* d) { d->name = std::string(129, 'a'); }, "TEXT_TOO_LONG", "tag.name"},
      {[](TagDefinition* d) { d->type = TagType(0); }, "VALUE_OUT_OF_RANGE", "tag.type"},
      {[](TagDefinition* d) { d->type = TagType(8); }, "VALUE_OUT_OF_RANGE", "tag.type"},
      {[](TagDefinition* d) { d->scale = 1; }, "VALUE_OUT_OF_RANGE", "tag.scale"},
      {[](TagDefinition* d) { d->scale = -1; }, "VALUE_OUT_OF_RANGE", "tag.scale"},
      {[](TagDefinition* d) { d->owner = std::string(4097, 'a'); }, "TEXT_TOO_LONG", "tag.owner"},
      {[](TagDefinition* d) { d->path = "\x80"; }, "INVALID_UTF8", "tag.path"},
      {[](TagDefinition* d) { d->sensitivity = 10; }, "VALUE_OUT_OF_RANGE", "tag.sensitivity"},
      {[](TagDefinition* d) { d->state = TagState(0); }, "VALUE_OUT_OF_RANGE", "tag.state"},
      {[](TagDefinition* d) { d->values_max = 0; }, "VALUE_OUT_OF_RANGE", "tag.max_values"},
      {[](TagDefinition* d) { d->values_max = 65'536; }, "VALUE_OUT_OF_RANGE", "tag.max_values"},
  };
  for (const Case& c : cases) {
    TagDefinition definition;
    definition.name = "city";
    c.change(&definition);
    const absl::Status status = Validate(definition);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << c.field;
    const auto detail = GetErrorDetail(status);
    ASSERT_TRUE(detail.has_value()) << c.field;
    EXPECT_EQ(detail->reason, c.reason) << status;
    EXPECT_EQ(detail->field, c.field) << status;
  }
}

TEST(TagDefinitionTest, ValidateTakesTheLimits) {
  TagDefinition definition;
  definition.name = std::string(128, 'a');
  definition.type = TagType::kDecimal;
  definition.scale = 9;
  definition.description = std::string(4096, 'a');
  definition.sensitivity = 9;
  EXPECT_TRUE(Validate(definition).ok()) << Validate(definition);
  definition.scale = 10;
  EXPECT_FALSE(Validate(definition).ok());
}

TEST(Utf8Test, ValidPrefix) {
  struct Case {
    std::string_view text;
    size_t prefix;
  };
  const Case cases[] = {
      {"", 0},
      {"abc", 3},
      {"\xc3\xbc", 2},
      {"\xc0\xaf", 0},          // overlong
      {"a\xed\xa0\x80", 1},     // surrogate
      {"\xf4\x8f\xbf\xbf", 4},  // U+10FFFF
      {"\xf4\x90\x80\x80", 0},  // above
      {"\xe4\xb8", 0},          // cut
      {"\xe0\x80\x80", 0},      // overlong
      {"ab\xff", 2},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(ValidUtf8Prefix(c.text), c.prefix);
    EXPECT_EQ(IsValidUtf8(c.text), c.prefix == c.text.size());
  }
  EXPECT_EQ(DecodeUtf8("a\xff\xe4\xb8\xad"), U"a\uFFFD中");
}

}  // namespace
}  // namespace throng::index
