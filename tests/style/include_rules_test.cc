#include "tests/style/include_rules.h"

#include <string>
#include <string_view>
#include <vector>

#include "fmt/format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace throng::style {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct Case {
  std::string_view path;
  std::string_view include;
};

std::vector<Finding> Check(const Case& c) {
  return CheckIncludes(MakeSourceFile(c.path, fmt::format("#include {}\n", c.include)));
}

TEST(IncludeRulesTest, RefusesWhatTheGraphDoesNotHave) {
  constexpr Case kRefused[] = {
      {"index/a.cc", "\"query/expression.h\""},
      {"index/a.cc", "\"storage/log.h\""},
      {"query/a.cc", "\"storage/log.h\""},
      {"query/a.h", "\"server/engine/engine.h\""},
      {"storage/a.cc", "\"query/plan.h\""},
      {"server/engine/a.cc", "\"server/service/a.h\""},
      {"server/engine/a.cc", "\"throng/v1/user.pb.h\""},
      {"server/engine/a.cc", "<grpcpp/grpcpp.h>"},
      {"server/engine/a.cc", "\"grpcpp/grpcpp.h\""},
      {"server/engine/a.cc", "<google/protobuf/arena.h>"},
      {"server/engine/a.cc", "\"rocksdb/db.h\""},
      {"server/service/a.cc", "\"roaring/roaring.h\""},
      {"cli/a.cc", "\"index/error.h\""},
      {"cli/a.cc", "\"server/engine/engine.h\""},
      {"query/a.cc", "\"roaring/roaring.hh\""},
      {"index/roaring_codec_test.cc", "\"roaring/roaring.h\""},
      {"index/a.cc", "\"rocksdb/db.h\""},
      {"index/a.cc", "\"gtest/gtest.h\""},
      {"index/a.cc", "\"tests/testing/naive_model.h\""},
      {"index/a.cc", "\"../index/error.h\""},
      {"index/a.cc", "\"error.h\""},
      {"index/a.cc", "<index/error.h>"},
      {"index/a.cc", "<boost/any.hpp>"},
      {"tests/testing/naive_model.cc", "\"query/executor.h\""},
      {"tests/testing/naive_model.cc", "\"index/snapshot.h\""},
  };
  for (const Case& c : kRefused) {
    EXPECT_EQ(Check(c).size(), 1) << c.path << " includes " << c.include;
  }
}

TEST(IncludeRulesTest, AllowsTheGraph) {
  constexpr Case kAllowed[] = {
      {"index/a.cc", "\"index/error.h\""},
      {"index/roaring_codec.cc", "\"roaring/roaring.h\""},
      {"index/a.cc", "<vector>"},
      {"index/a.cc", "\"absl/status/status.h\""},
      {"query/a.cc", "\"index/error.h\""},
      {"storage/a.cc", "\"rocksdb/db.h\""},
      {"storage/a.cc", "<sys/stat.h>"},
      {"server/engine/a.cc", "\"storage/log.h\""},
      {"server/service/a.cc", "\"server/engine/engine.h\""},
      {"server/service/a.cc", "\"throng/v1/user.grpc.pb.h\""},
      {"server/main.cc", "\"server/service/a.h\""},
      {"cli/a.cc", "\"throng/v1/user.pb.h\""},
      {"tests/query/a_test.cc", "\"query/plan.h\""},
      {"tests/testing/naive_model.cc", "\"query/expression.h\""},
      {"tests/e2e/a_test.cc", "\"grpcpp/grpcpp.h\""},
      {"benchmarks/a.cc", "\"roaring/roaring.h\""},
  };
  for (const Case& c : kAllowed) {
    EXPECT_THAT(Check(c), IsEmpty()) << c.path << " includes " << c.include;
  }
}

TEST(IncludeRulesTest, SaysWhere) {
  const SourceFile file =
      MakeSourceFile("index/a.cc", "// a\n\n#include <vector>\n  # include \"query/plan.h\"\n");
  ASSERT_EQ(CheckIncludes(file).size(), 1);
  EXPECT_EQ(ToString(CheckIncludes(file).front()),
            "index/a.cc:4: must not include query/plan.h (DESIGN section 3)");
}

TEST(IncludeRulesTest, CommentsAndOtherFilesAreNotIncludes) {
  EXPECT_THAT(FindIncludes(MakeSourceFile("index/a.cc", "// #include \"query/plan.h\"\n")),
              IsEmpty());
  EXPECT_THAT(
      FindIncludes(MakeSourceFile("index/a.cc", "const char* x = R\"(\n#include <a/b>\n)\";")),
      IsEmpty());
  EXPECT_THAT(CheckIncludes(MakeSourceFile("a.sh", "#include \"query/plan.h\"\n")), IsEmpty());
}

}  // namespace
}  // namespace throng::style
