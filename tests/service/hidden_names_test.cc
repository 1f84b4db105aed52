// A tag above the caller's level, and a crowd that rests on it, by every call that takes a name:
// the answer is that to a name which nobody has, to the last byte.
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/guarded_fixture.h"
#include "throng/v1/compare.pb.h"
#include "throng/v1/cross_tab.pb.h"
#include "throng/v1/crowd.pb.h"
#include "throng/v1/curve.pb.h"
#include "throng/v1/insight.pb.h"
#include "throng/v1/membership.pb.h"
#include "throng/v1/overlap.pb.h"
#include "throng/v1/package.pb.h"
#include "throng/v1/selection.pb.h"
#include "throng/v1/split.pb.h"
#include "throng/v1/statistics.pb.h"
#include "throng/v1/tag.pb.h"
#include "throng/v1/upload.pb.h"
#include "throng/v1/user.pb.h"

namespace throng::service {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kParent[] = "populations/default";
// As long as each other, so that places and lengths in an error are alike.
constexpr char kHiddenTag[] = "income";
constexpr char kHiddenCrowd[] = "richer";
constexpr char kNobodys[] = "zzqwkx";

std::string CrowdName(const std::string& crowd) {
  return fmt::format("{}/crowds/{}", kParent, crowd);
}

// What a failed call tells, without the name.
std::string TextOf(const grpc::Status& status, const std::string& name) {
  std::string text = fmt::format("{} {} {}", static_cast<int>(status.error_code()),
                                 status.error_message(), status.error_details());
  for (size_t at = text.find(name); at != std::string::npos; at = text.find(name)) {
    text.replace(at, name.size(), std::string(name.size(), '*'));
  }
  return text;
}

class HiddenNamesTest : public GuardedServerTest {
 protected:
  // `low` and `high` may do everything; `high` sees income besides, and has the crowd "richer".
  // Both see the crowd "base", which has a version, and its split "copy".
  void SetUp() override {
    Allow("low", {{"default", "admin", 4}});
    Allow("high", {{"default", "admin", 5}});
    Start();
    CreateCrowd("base", "city = 'a'");
    CreateCrowd(kHiddenCrowd, "income > 50");
    v1::CreateSplitRequest split;
    split.set_parent(kParent);
    split.set_split_id("copy");
    split.mutable_split()->set_source("base");
    for (const char* arm : {"A", "B"}) split.mutable_split()->add_arms()->set_name(arm);
    Must("SplitService/CreateSplit", split);
    Refresh({"base", "copy.A", "copy.B", kHiddenCrowd});
  }

  void Must(const std::string& method, const google::protobuf::Message& request) const {
    const grpc::Status status = Call("high", method, request);
    ASSERT_TRUE(status.ok()) << method << ": " << status.error_message();
  }
  void CreateCrowd(const std::string& name, const std::string& rule) const {
    v1::CreateCrowdRequest create;
    create.set_parent(kParent);
    create.set_crowd_id(name);
    create.mutable_crowd()->set_kind(v1::CROWD_KIND_RULE);
    create.mutable_crowd()->set_expression(rule);
    Must("CrowdService/CreateCrowd", create);
  }
  void Refresh(const std::vector<std::string>& names) const {
    v1::BatchRefreshCrowdsRequest request;
    request.set_parent(kParent);
    for (const std::string& name : names) request.add_names(CrowdName(name));
    Must("CrowdService/BatchRefreshCrowds", request);
  }

  template <typename Request>
  using Fill = std::function<void(const std::string& name, Request& request)>;

  // Who sees the tag or the crowd gets an answer; to who does not, it is as a name of nobody's.
  template <typename Request>
  void ExpectHidden(const std::string& hidden, const std::string& method,
                    const Fill<Request>& fill) const {
    const auto text = [&](const std::string& name) {
      Request request;
      fill(name, request);
      const grpc::Status status = Call("low", method, request);
      EXPECT_FALSE(status.ok()) << method << " of " << name;
      return TextOf(status, name);
    };
    EXPECT_EQ(text(hidden), text(kNobodys)) << method;
    Request request;
    fill(hidden, request);
    const grpc::Status status = Call("high", method, request);
    EXPECT_TRUE(status.ok()) << method << ": " << status.error_message();
  }
  template <typename Request>
  void ExpectHiddenTag(const std::string& method, const Fill<Request>& fill) const {
    ExpectHidden<Request>(kHiddenTag, method, fill);
  }
  template <typename Request>
  void ExpectHiddenCrowd(const std::string& method, const Fill<Request>& fill) const {
    ExpectHidden<Request>(kHiddenCrowd, method, fill);
  }
};

TEST_F(HiddenNamesTest, TagsOfSelections) {
  ExpectHiddenTag<v1::CountRequest>("SelectionService/Count", [](const auto& tag, auto& request) {
    request.mutable_selection()->set_expression("city = 'a' and " + tag + " > 3");
  });
  ExpectHiddenTag<v1::CountRequest>("SelectionService/Count", [](const auto& tag, auto& request) {
    request.mutable_selection()->set_expression("city = 'a' top 3 by " + tag);
  });
  ExpectHiddenTag<v1::ExplainRequest>(
      "SelectionService/Explain", [](const auto& tag, auto& request) {
        request.mutable_selection()->set_expression("exists(" + tag + ")");
      });
  ExpectHiddenTag<v1::ListMembersRequest>(
      "SelectionService/ListMembers", [](const auto& tag, auto& request) {
        request.mutable_selection()->set_expression(tag + " > 3");
      });
  ExpectHiddenTag<v1::ExportMembersRequest>(
      "SelectionService/ExportMembers", [](const auto& tag, auto& request) {
        request.mutable_selection()->set_expression(tag + " > 3");
      });
  ExpectHiddenTag<v1::ExportMembersRequest>("SelectionService/ExportMembers",
                                            [](const auto& tag, auto& request) {
                                              request.mutable_selection()->set_expression("all()");
                                              request.add_tags(tag);
                                            });
  ExpectHiddenTag<v1::WhyMemberRequest>("MembershipService/WhyMember",
                                        [](const auto& tag, auto& request) {
                                          request.mutable_selection()->set_expression(tag + " > 3");
                                          request.mutable_user()->set_id("7");
                                        });
}

TEST_F(HiddenNamesTest, TagsOfInsights) {
  ExpectHiddenTag<v1::BreakdownRequest>("InsightService/Breakdown",
                                        [](const auto& tag, auto& request) {
                                          request.mutable_selection()->set_expression(tag + " > 3");
                                          request.add_tags("city");
                                        });
  ExpectHiddenTag<v1::CompareRequest>("InsightService/Compare", [](const auto& tag, auto& request) {
    request.mutable_selection()->set_expression("city = 'a'");
    request.add_tags(tag);
  });
  ExpectHiddenTag<v1::CompareRequest>("InsightService/Compare", [](const auto& tag, auto& request) {
    request.mutable_selection()->set_expression("city = 'a'");
    request.mutable_baseline()->set_expression(tag + " > 3");
    request.add_tags("city");
  });
  for (const bool is_row : {false, true}) {
    ExpectHiddenTag<v1::CrossTabRequest>(
        "InsightService/CrossTab", [&](const auto& tag, auto& request) {
          request.mutable_selection()->set_expression("all()");
          v1::CrossTabAxisRequest& hidden =
              is_row ? *request.mutable_rows() : *request.mutable_columns();
          v1::CrossTabAxisRequest& shown =
              is_row ? *request.mutable_columns() : *request.mutable_rows();
          hidden.set_tag(tag);
          hidden.add_edges()->set_integer(50);
          shown.set_tag("city");
        });
  }
  ExpectHiddenTag<v1::OverlapRequest>("InsightService/Overlap", [](const auto& tag, auto& request) {
    request.add_selections()->mutable_selection()->set_expression("city = 'a'");
    request.add_selections()->mutable_selection()->set_expression(tag + " > 3");
    request.mutable_selections(0)->set_name("a");
    request.mutable_selections(1)->set_name("b");
  });
  ExpectHiddenTag<v1::StatisticsRequest>("InsightService/Statistics",
                                         [](const auto& tag, auto& request) {
                                           request.mutable_selection()->set_expression("all()");
                                           request.add_tags(tag);
                                         });
  ExpectHiddenTag<v1::CurveRequest>("InsightService/Curve", [](const auto& tag, auto& request) {
    request.mutable_selection()->set_expression(tag + " > 3");
    request.set_tag(tag);
  });
}

TEST_F(HiddenNamesTest, TagsOfSplitsAndPackages) {
  ExpectHiddenTag<v1::GetSplitBalanceRequest>(
      "SplitService/GetSplitBalance", [](const auto& tag, auto& request) {
        request.set_name(fmt::format("{}/splits/copy", kParent));
        request.add_tags(tag);
      });
  ExpectHiddenTag<v1::AllocateCrowdsRequest>(
      "SplitService/AllocateCrowds", [](const auto& tag, auto& request) {
        request.add_selections()->mutable_selection()->set_expression("city = 'a'");
        request.add_selections()->mutable_selection()->set_expression(tag + " > 3");
        request.mutable_selections(0)->set_name("a");
        request.mutable_selections(1)->set_name("b");
      });
  const auto fill_spec = [](const std::string& tag, v1::PackageSpec& spec) {
    spec.set_crowd(CrowdName("base"));
    spec.set_format(v1::PACKAGE_FORMAT_CSV);
    spec.add_tags(tag);
  };
  ExpectHiddenTag<v1::ExportPackageRequest>(
      "PackageService/ExportPackage",
      [&](const auto& tag, auto& request) { fill_spec(tag, *request.mutable_spec()); });
  ExpectHiddenTag<v1::CreatePackageRequest>("PackageService/CreatePackage",
                                            [&](const auto& tag, auto& request) {
                                              fill_spec(tag, *request.mutable_spec());
                                              request.set_validate_only(true);
                                            });
}

TEST_F(HiddenNamesTest, TagsOfDefinitionsAndWrites) {
  const auto name_of = [](const std::string& tag) {
    return fmt::format("{}/tags/{}", kParent, tag);
  };
  ExpectHiddenTag<v1::GetTagRequest>(
      "TagService/GetTag", [&](const auto& tag, auto& request) { request.set_name(name_of(tag)); });
  ExpectHiddenTag<v1::UpdateTagRequest>("TagService/UpdateTag",
                                        [&](const auto& tag, auto& request) {
                                          request.mutable_tag()->set_name(name_of(tag));
                                          request.mutable_update_mask()->add_paths("owner");
                                          request.set_validate_only(true);
                                        });
  ExpectHiddenTag<v1::CreateCrowdRequest>("CrowdService/CreateCrowd",
                                          [](const auto& tag, auto& request) {
                                            request.set_parent(kParent);
                                            request.set_crowd_id("other");
                                            request.mutable_crowd()->set_kind(v1::CROWD_KIND_RULE);
                                            request.mutable_crowd()->set_expression(tag + " > 3");
                                            request.set_validate_only(true);
                                          });
  ExpectHiddenTag<v1::WriteUsersRequest>("UserService/WriteUsers",
                                         [](const auto& tag, auto& request) {
                                           request.set_unknown_ids(v1::UNKNOWN_IDS_ERROR);
                                           v1::UserChange& user = *request.add_users();
                                           user.set_id("7");
                                           user.add_changes()->set_tag(tag);
                                           user.mutable_changes(0)->mutable_clear();
                                           request.set_validate_only(true);
                                         });
  ExpectHiddenTag<v1::LoadRequest>("UserService/Load", [](const auto& tag, auto& request) {
    v1::LoadHeader& header = *request.mutable_header();
    header.set_mode(v1::LOAD_MODE_UPSERT);
    header.set_unknown_ids(v1::UNKNOWN_IDS_ERROR);
    header.add_tags("city");
    header.add_tags(tag);
  });
  // Last: it leaves the tag empty.
  ExpectHiddenTag<v1::LoadRequest>("UserService/Load", [](const auto& tag, auto& request) {
    v1::LoadHeader& header = *request.mutable_header();
    header.set_mode(v1::LOAD_MODE_REPLACE);
    header.set_unknown_ids(v1::UNKNOWN_IDS_ERROR);
    header.set_confirm_coverage_fall(true);
    header.add_tags(tag);
  });
}

TEST_F(HiddenNamesTest, CrowdsOfSelections) {
  for (const char* form : {"crowd('{}')", "crowd('{}', live)", "city = 'a' and not crowd('{}')"}) {
    ExpectHiddenCrowd<v1::CountRequest>(
        "SelectionService/Count", [&](const auto& crowd, auto& request) {
          request.mutable_selection()->set_expression(fmt::format(fmt::runtime(form), crowd));
        });
  }
  ExpectHiddenCrowd<v1::CountRequest>(
      "SelectionService/Count", [](const auto& crowd, auto& request) {
        request.mutable_selection()->set_expression("all()");
        request.mutable_selection()->add_exclude()->set_crowd(crowd);
      });
  ExpectHiddenCrowd<v1::ListMembersRequest>(
      "SelectionService/ListMembers", [](const auto& crowd, auto& request) {
        request.mutable_selection()->mutable_crowd()->set_crowd(crowd);
      });
  ExpectHiddenCrowd<v1::CheckRequest>("MembershipService/Check",
                                      [](const auto& crowd, auto& request) {
                                        request.mutable_user()->set_id("7");
                                        request.add_crowds()->set_crowd("base");
                                        request.add_crowds()->set_crowd(crowd);
                                      });
  ExpectHiddenCrowd<v1::BatchCheckRequest>("MembershipService/BatchCheck",
                                           [](const auto& crowd, auto& request) {
                                             request.mutable_crowd()->set_crowd(crowd);
                                             request.add_ids("7");
                                           });
}

TEST_F(HiddenNamesTest, CrowdsAsResources) {
  ExpectHiddenCrowd<v1::GetCrowdRequest>(
      "CrowdService/GetCrowd",
      [](const auto& crowd, auto& request) { request.set_name(CrowdName(crowd)); });
  ExpectHiddenCrowd<v1::UpdateCrowdRequest>("CrowdService/UpdateCrowd",
                                            [](const auto& crowd, auto& request) {
                                              request.mutable_crowd()->set_name(CrowdName(crowd));
                                              request.mutable_update_mask()->add_paths("owner");
                                              request.set_validate_only(true);
                                            });
  ExpectHiddenCrowd<v1::DeleteCrowdRequest>("CrowdService/DeleteCrowd",
                                            [](const auto& crowd, auto& request) {
                                              request.set_name(CrowdName(crowd));
                                              request.set_validate_only(true);
                                            });
  ExpectHiddenCrowd<v1::RefreshCrowdRequest>("CrowdService/RefreshCrowd",
                                             [](const auto& crowd, auto& request) {
                                               request.set_name(CrowdName(crowd));
                                               request.set_validate_only(true);
                                             });
  ExpectHiddenCrowd<v1::ListCrowdVersionsRequest>(
      "CrowdService/ListCrowdVersions",
      [](const auto& crowd, auto& request) { request.set_parent(CrowdName(crowd)); });
  ExpectHiddenCrowd<v1::CreateSplitRequest>("SplitService/CreateSplit",
                                            [](const auto& crowd, auto& request) {
                                              request.set_parent(kParent);
                                              request.set_split_id("other");
                                              request.mutable_split()->set_source(crowd);
                                              for (const char* arm : {"A", "B"})
                                                request.mutable_split()->add_arms()->set_name(arm);
                                              request.set_validate_only(true);
                                            });
  ExpectHiddenCrowd<v1::ExportPackageRequest>(
      "PackageService/ExportPackage", [](const auto& crowd, auto& request) {
        request.mutable_spec()->set_crowd(CrowdName(crowd));
        request.mutable_spec()->set_format(v1::PACKAGE_FORMAT_TXT);
      });
}

// A name that is nearly a hidden one: the nearest that may be seen is offered, or none.
TEST_F(HiddenNamesTest, NearestNamesAreVisibleOnes) {
  const auto said = [&](const std::string& name, const std::string& expression) {
    v1::CountRequest request;
    request.mutable_selection()->set_expression(expression);
    const grpc::Status status = Call(name, "SelectionService/Count", request);
    EXPECT_FALSE(status.ok()) << expression;
    return status.error_message() + status.error_details();
  };
  EXPECT_THAT(said("high", "crowd('riche')"), HasSubstr(kHiddenCrowd));
  EXPECT_THAT(said("low", "crowd('riche')"), Not(HasSubstr(kHiddenCrowd)));
  EXPECT_THAT(said("low", "crowd('bas')"), HasSubstr("base"));
  EXPECT_THAT(said("high", "incom > 3"), HasSubstr(kHiddenTag));
  EXPECT_THAT(said("low", "incom > 3"), Not(HasSubstr(kHiddenTag)));
  v1::GetCrowdRequest get;
  get.set_name(CrowdName("riche"));
  const grpc::Status low = Call("low", "CrowdService/GetCrowd", get);
  EXPECT_THAT(low.error_message() + low.error_details(), Not(HasSubstr(kHiddenCrowd)));
  const grpc::Status high = Call("high", "CrowdService/GetCrowd", get);
  EXPECT_THAT(high.error_message() + high.error_details(), HasSubstr(kHiddenCrowd));
}

}  // namespace
}  // namespace throng::service
