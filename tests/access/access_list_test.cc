// Who is found by what, and which rights that comes with.
#include "server/access/access_list.h"

#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "index/error.h"

namespace throng::access {
namespace {

constexpr int64_t kNow = 1'000'000;

std::string ReasonOf(const absl::Status& status) {
  const auto detail = index::GetErrorDetail(status);
  return detail.has_value() ? detail->reason : "";
}

Grant Given(const std::string& population, const std::string& role, int sensitivity) {
  return {.population = population,
          .roles = {role},
          .rights = *FindRole(role),
          .sensitivity_max = sensitivity};
}

std::vector<Principal> Everybody() {
  Principal cms{.name = "cms", .token = DigestOf("cms-token"), .subject = "CN=cms"};
  cms.grants = {Given("renters", "viewer", 5), Given("renters", "export", 1),
                Given("*", "viewer", 0)};
  Principal late{.name = "late", .token = DigestOf("late-token"), .expires_us = kNow};
  Principal gone{.name = "gone", .subject = "CN=gone", .revoked = true};
  return {cms, late, gone};
}

TEST(AccessListTest, FindsByTokenAndBySubject) {
  const AccessList list(Everybody());
  EXPECT_EQ((*list.FindByToken("cms-token", kNow))->name, "cms");
  EXPECT_EQ((*list.FindBySubject("CN=cms", kNow))->name, "cms");
  EXPECT_EQ(list.FindByName("late")->name, "late");
  EXPECT_EQ(list.FindByName("CN=cms"), nullptr);
}

TEST(AccessListTest, RefusesAndSaysWhy) {
  const AccessList list(Everybody());
  const auto token_reason = [&](const std::string& token, int64_t now) {
    const absl::Status status = list.FindByToken(token, now).status();
    EXPECT_TRUE(status.ok() || absl::IsUnauthenticated(status)) << status;
    return ReasonOf(status);
  };
  EXPECT_EQ(token_reason("", kNow), "BAD_TOKEN");
  EXPECT_EQ(token_reason("cms-toke", kNow), "BAD_TOKEN");
  EXPECT_EQ(token_reason("CN=cms", kNow), "BAD_TOKEN");
  EXPECT_EQ(token_reason(DigestToHex(DigestOf("cms-token")), kNow), "BAD_TOKEN");
  EXPECT_EQ(token_reason(std::string(kTokenBytesMax + 1, 'a'), kNow), "BAD_TOKEN");
  EXPECT_EQ(token_reason("late-token", kNow - 1), "");
  EXPECT_EQ(token_reason("late-token", kNow), "TOKEN_EXPIRED");
  EXPECT_EQ(ReasonOf(list.FindBySubject("CN=gone", kNow).status()), "TOKEN_REVOKED");
  EXPECT_EQ(ReasonOf(list.FindBySubject("cms-token", kNow).status()), "UNKNOWN_SUBJECT");
  EXPECT_EQ(ReasonOf(list.FindBySubject("", kNow).status()), "UNKNOWN_SUBJECT");
}

// A right comes with the level of the grants that have it, not with that of another grant.
TEST(AccessListTest, LevelsAreThoseOfTheGrantsWithTheRight) {
  const AccessList list(Everybody());
  const Principal& cms = *list.FindByName("cms");
  const auto level = [](const std::optional<Extent>& extent) {
    return extent.has_value() ? std::optional<int>(extent->sensitivity_max) : std::nullopt;
  };
  EXPECT_EQ(level(cms.ExtentFor(Right::kCount, "renters")), 5);
  EXPECT_EQ(level(cms.ExtentFor(Right::kExport, "renters")), 1);
  EXPECT_EQ(level(cms.ExtentFor(Right::kCount, "owners")), 0);
  EXPECT_EQ(level(cms.ExtentFor(Right::kExport, "owners")), std::nullopt);
  EXPECT_EQ(level(cms.ExtentFor(Right::kLoad, "renters")), std::nullopt);
  EXPECT_EQ(level(cms.ExtentEverywhere(Right::kCount)), 0);
  EXPECT_EQ(level(cms.ExtentEverywhere(Right::kExport)), std::nullopt);
  EXPECT_EQ(level(cms.ExtentAnywhere(Right::kCount)), 0);
  EXPECT_EQ(level(cms.ExtentAnywhere(Right::kExport)), 1);
  EXPECT_EQ(level(cms.ExtentAnywhere(Right::kErase)), std::nullopt);
  EXPECT_TRUE(cms.Knows("owners"));
  EXPECT_FALSE(list.FindByName("late")->Knows("owners"));
}

// The grant of the highest sensitivity decides, whole: levels and minima are not mixed.
TEST(AccessListTest, MinimaAreThoseOfTheGrantThatDecides) {
  const Grant open{.population = "a", .rights = {Right::kCount, Right::kBrowse}};
  Grant strict = open;
  strict.minimum_count = 100;
  Grant deep = strict;
  deep.sensitivity_max = 5;
  Grant everywhere = deep;
  everywhere.population = std::string(kEveryPopulation);
  everywhere.rights = {Right::kCount};
  everywhere.minimum_count = 7;
  const Principal both{.name = "both", .grants = {strict, open}};
  EXPECT_EQ(both.ExtentFor(Right::kCount, "a")->minimum_count, 0);
  EXPECT_EQ(both.ExtentAnywhere(Right::kCount)->minimum_count, 100);
  const Principal mixed{.name = "mixed", .grants = {open, deep}};
  EXPECT_EQ(mixed.ExtentFor(Right::kCount, "a")->minimum_count, 100);
  EXPECT_EQ(mixed.ExtentFor(Right::kCount, "a")->sensitivity_max, 5);
  const Principal wide{.name = "wide", .grants = {deep, everywhere}};
  EXPECT_EQ(wide.ExtentFor(Right::kCount, "a")->minimum_count, 7);
  EXPECT_EQ(wide.ExtentFor(Right::kBrowse, "a")->minimum_count, 100);
  EXPECT_EQ(wide.ExtentEverywhere(Right::kCount)->minimum_count, 7);
  EXPECT_EQ(Narrower({5, 0}, {0, 9}).minimum_count, 9);
  EXPECT_EQ(Narrower({5, 0}, {0, 9}).sensitivity_max, 0);
}

}  // namespace
}  // namespace throng::access
