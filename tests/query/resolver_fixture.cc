#include "tests/query/resolver_fixture.h"

#include <utility>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "index/error.h"
#include "query/parser.h"

namespace throng::query {
namespace {

using index::TagType;

class ThreeUsers : public IdLookup {
 public:
  std::shared_ptr<const index::OrdinalSet> Lookup(const std::vector<std::string>& ids,
                                                  const std::vector<uint64_t>& numbers,
                                                  uint64_t* unknown) const override {
    index::OrdinalSet::Builder builder;
    for (const std::string& id : ids) Add(id, &builder, unknown);
    for (const uint64_t number : numbers) Add(std::to_string(number), &builder, unknown);
    return builder.Build();
  }

 private:
  static void Add(std::string_view id, index::OrdinalSet::Builder* builder, uint64_t* unknown) {
    if (id == "u0") return builder->Add(0);
    if (id == "u1") return builder->Add(1);
    if (id == "7") return builder->Add(2);
    ++*unknown;
  }
};

struct Tag {
  std::string name;
  TagType type;
  std::vector<std::string> values = {};
  int scale = 0;
  int sensitivity = 0;
  index::TagState state = index::TagState::kOnline;
};

std::shared_ptr<const index::Catalogue> MakeCatalogue() {
  const Tag tags[] = {
      {"city", TagType::kCategory, {"Paris", "Rome", "it's", "北京"}},
      {"hobbies", TagType::kLabels, {"chess", "golf", "go"}},
      {"is_graduate", TagType::kFlag},
      {"views", TagType::kInteger},
      {"price", TagType::kDecimal, {}, 2},
      {"born", TagType::kDate},
      {"seen", TagType::kDateTime},
      {"emp.var.rate", TagType::kDecimal, {}, 9},
      {"old", TagType::kFlag, {}, 0, 0, index::TagState::kOffline},
      {"new", TagType::kInteger, {}, 0, 0, index::TagState::kDraft},
      {"salary", TagType::kInteger, {}, 0, 9},
      {"letters", TagType::kCategory, {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}},
  };
  auto catalogue = std::make_shared<const index::Catalogue>();
  for (const Tag& tag : tags) {
    auto entry = std::make_shared<index::TagEntry>();
    entry->definition.id = catalogue->next_id();
    entry->definition.name = tag.name;
    entry->definition.type = tag.type;
    entry->definition.scale = tag.scale;
    entry->definition.sensitivity = tag.sensitivity;
    entry->definition.state = tag.state;
    entry->values = index::ValueDictionary::Extend({}, tag.values);
    catalogue = catalogue->With(std::move(entry));
  }
  return catalogue;
}

}  // namespace

ResolverFixture::ResolverFixture() : catalogue_(MakeCatalogue()) {
  SetClock("UTC", "2024-05-31T10:20:30.5Z");
}

void ResolverFixture::SetClock(std::string_view zone, int64_t reference_us) {
  absl::StatusOr<TimeContext> time = MakeTimeContext(zone, reference_us);
  ASSERT_TRUE(time.ok()) << time.status();
  time_ = *std::move(time);
}

void ResolverFixture::SetClock(std::string_view zone, std::string_view rfc3339) {
  absl::Time reference;
  std::string error;
  ASSERT_TRUE(
      absl::ParseTime(absl::RFC3339_full, {rfc3339.data(), rfc3339.size()}, &reference, &error))
      << error;
  SetClock(zone, absl::ToUnixMicros(reference));
}

absl::StatusOr<Resolved> ResolverFixture::ResolveText(std::string_view text) const {
  absl::StatusOr<Expression> expression = Parse(text, {});
  if (!expression.ok()) return expression.status();
  return ResolveTree(*expression);
}

absl::StatusOr<Resolved> ResolverFixture::ResolveTree(const Expression& expression) const {
  const index::CatalogueView view(*catalogue_, index::Visibility{.sensitivity_max = 5});
  return Resolve(expression, view, ThreeUsers(), time_);
}

std::string ResolverFixture::Plan(std::string_view text) const { return Print(ResolveText(text)); }

std::string ResolverFixture::Plan(const Expression& expression) const {
  return Print(ResolveTree(expression));
}

std::string ResolverFixture::Print(const absl::StatusOr<Resolved>& resolved) const {
  if (resolved.ok()) return ToString(resolved->plan, *catalogue_);
  const auto detail = index::GetErrorDetail(resolved.status());
  if (!detail.has_value()) return resolved.status().ToString();
  return fmt::format("{} {}:{}+{} {}{}", detail->reason, detail->line, detail->column,
                     detail->length, detail->expected,
                     detail->suggestion.empty() ? "" : " -> " + detail->suggestion);
}

std::vector<std::string> ResolverFixture::Warnings(std::string_view text) const {
  const absl::StatusOr<Resolved> resolved = ResolveText(text);
  if (!resolved.ok()) return {resolved.status().ToString()};
  std::vector<std::string> warnings;
  for (const Warning& warning : resolved->warnings) {
    warnings.push_back(fmt::format("{} {}:{}+{}", warning.reason, warning.span.line,
                                   warning.span.column, warning.span.length));
  }
  return warnings;
}

}  // namespace throng::query
