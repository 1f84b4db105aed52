// How many crowds, references and pinned versions there may be: at the limit, and one past it.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "index/error.h"
#include "server/engine/splits.h"
#include "tests/server/crowd_world.h"

namespace throng::engine {
namespace {

class CrowdLimitsTest : public CrowdTest {
 protected:
  // Makes crowds `begin` to `end` - 1: many in a commit, as an allocation that is saved does.
  void MakeCrowds(uint32_t begin, uint32_t end) {
    while (begin < end) {
      const uint32_t some = std::min<uint32_t>(end - begin, kOverlapSelectionsMax);
      Must(crowds().splits().Allocate(context(), Allocation(begin, begin + some), {}));
      begin += some;
    }
  }
  static AllocationRequest Allocation(uint32_t begin, uint32_t end) {
    AllocationRequest request{.save = true};
    for (uint32_t i = begin; i < end; ++i) {
      request.crowds.selections.push_back({NameOf(i), "all()"});
    }
    return request;
  }
  static std::string NameOf(uint32_t i) { return fmt::format("c{}", i); }

  // A rule that names so many crowds.
  static std::string RuleOver(uint32_t crowds) {
    std::string rule = "crowd('c0')";
    for (uint32_t i = 1; i < crowds; ++i) rule += fmt::format(" or crowd('{}')", NameOf(i));
    return rule;
  }

  // Expects the error to name the limit and what was asked for.
  static void ExpectLimit(const absl::Status& status, absl::StatusCode code,
                          std::string_view reason, std::string_view field, uint64_t limit) {
    ExpectError(status, code, reason, field);
    const std::optional<index::ErrorDetail> detail = index::GetErrorDetail(status);
    ASSERT_TRUE(detail.has_value());
    EXPECT_EQ(detail->limit, limit);
    EXPECT_EQ(detail->requested, limit + 1);
  }
};

TEST_F(CrowdLimitsTest, PinnedVersionsOfACrowd) {
  MustBeOk(crowds()
               .Create(context(), {.name = "k", .rule = "is_graduate", .keep_last = 1}, {})
               .status());
  const auto pin = [&](uint32_t number, bool pinned) {
    return crowds().Pin(context(), "default", "k", number, pinned, {}).status();
  };
  const auto most = static_cast<uint32_t>(index::kCrowdPinnedMax);
  for (uint32_t number = 1; number <= most; ++number) {
    world_.Refresh({"k"});
    MustBeOk(pin(number, true));
  }
  world_.Refresh({"k"});
  ExpectLimit(pin(most + 1, true), absl::StatusCode::kResourceExhausted, "TOO_MANY_PINNED",
              "version", most);
  EXPECT_FALSE(world_.Get("k").newest->version.pinned);
  EXPECT_TRUE(pin(1, true).ok()) << "it is pinned already";
  EXPECT_EQ(world_.Get("k").version_count, most + 1) << "all pinned ones, and the newest";
  EXPECT_EQ(Members("crowd('k', 1)"), Members("is_graduate"));

  MustBeOk(pin(1, false));
  EXPECT_TRUE(pin(most + 1, true).ok());
  ExpectLimit(pin(1, true), absl::StatusCode::kResourceExhausted, "TOO_MANY_PINNED", "version",
              most);
  world_.Refresh({"k"});
  EXPECT_EQ(world_.Get("k").version_count, most + 1) << "version 1 went, another one came";
  // Of another crowd others can be pinned.
  world_.Create("other", "all()");
  world_.Refresh({"other"});
  EXPECT_TRUE(crowds().Pin(context(), "default", "other", 1, true, {}).ok());
}

TEST_F(CrowdLimitsTest, CrowdsThatARuleNames) {
  const auto most = static_cast<uint32_t>(index::kCrowdReferencesMax);
  MakeCrowds(0, most + 1);
  EXPECT_EQ(world_.Create("most", RuleOver(most)).references.size(), most);
  EXPECT_TRUE(world_.TryCreate("twice", RuleOver(most) + " or crowd('c0')").ok())
      << "a crowd counts once";
  ExpectLimit(world_.TryCreate("more", RuleOver(most + 1)).status(),
              absl::StatusCode::kInvalidArgument, "TOO_MANY_REFERENCES", "crowd.rule", most);
  ExpectLimit(crowds().Update(context(), {.name = "most", .rule = RuleOver(most + 1)}, {}).status(),
              absl::StatusCode::kInvalidArgument, "TOO_MANY_REFERENCES", "crowd.rule", most);
  EXPECT_EQ(world_.Get("most").references.size(), most) << "as it was";
  // As many can be computed in one call, and are read together: the first of them is everybody.
  std::vector<std::string> names;
  for (uint32_t i = 0; i < most; ++i) names.push_back(NameOf(i));
  EXPECT_EQ(world_.Refresh(names).crowds.size(), most);
  EXPECT_EQ(world_.Count("crowd('most', live)"), world_.Count("all()"));
  EXPECT_EQ(world_.Refresh({"most"}).crowds[0].computed.version.reads.size(), most);
}

// Every way to make a crowd ends there; deleted ones count.
TEST_F(CrowdLimitsTest, CrowdsOfAPopulation) {
  constexpr auto kExhausted = absl::StatusCode::kResourceExhausted;
  MakeCrowds(0, index::kCrowdsMax - 1);
  Must(world_.TryCreate("the last", "is_graduate"));
  const auto refused = [&](const absl::Status& status, std::string_view field) {
    ExpectLimit(status, kExhausted, "TOO_MANY_CROWDS", field, index::kCrowdsMax);
  };
  refused(world_.TryCreate("more", "all()").status(), "");
  refused(
      crowds().Create(context(), {.name = "list", .kind = index::CrowdKind::kUpload}, {}).status(),
      "");
  EXPECT_EQ(
      ReasonOf(crowds()
                   .splits()
                   .Create(context(), {.name = "s", .source = "c0", .arms = {{"A"}, {"B"}}}, {})
                   .status()),
      "TOO_MANY_CROWDS");
  EXPECT_EQ(
      ReasonOf(crowds()
                   .splits()
                   .Allocate(context(), Allocation(index::kCrowdsMax, index::kCrowdsMax + 2), {})
                   .status()),
      "TOO_MANY_CROWDS");
  EXPECT_EQ(ReasonOf(world_.TryCreate("c0", "all()").status()), "CROWD_EXISTS")
      << "what is wrong with the name comes first";

  // One that is deleted can come back, so its place is not free.
  Must(world_.TryDelete(NameOf(index::kCrowdsMax - 2)));
  refused(world_.TryCreate("more", "all()").status(), "");
  world_.Refresh({"the last"});
  EXPECT_EQ(Members("crowd('the last')"), Members("is_graduate")) << "all else goes on";
  MustBeOk(crowds().Update(context(), {.name = "c0", .new_name = "renamed"}, {}).status());
  // Once it has expired, it is.
  Must(crowds().Delete(context(), "default", "the last", "", 0, {}));
  MustBeOk(crowds().PurgeExpired());
  Must(world_.TryCreate("more", "all()"));
  refused(world_.TryCreate("still more", "all()").status(), "");
}

}  // namespace
}  // namespace throng::engine
