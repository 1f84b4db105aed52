#include "server/service/convert_expression.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "google/protobuf/text_format.h"
#include "index/roaring_codec.h"
#include "query/formatter.h"
#include "query/parser.h"
#include "server/service/message_codec.h"
#include "server/service/service_limits.h"
#include "tests/service/status_matchers.h"
#include "tests/testing/expression_generator.h"
#include "tests/testing/seed.h"

namespace throng::service {
namespace {

using testing::ExpressionGenerator;
using testing::GeneratorTag;

v1::Expression FromText(const std::string& text) {
  v1::Expression proto;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &proto)) << text;
  return proto;
}

std::string Reason(const std::string& text, const query::ExpressionLimits& limits = {}) {
  return ReasonOf(ToExpression(FromText(text), limits, FieldPath("tree")).status());
}

std::vector<GeneratorTag> AllTypes() {
  return {{.name = "city", .type = index::TagType::kCategory, .texts = {"Paris", "城市", "a'b"}},
          {.name = "emp.var", .type = index::TagType::kLabels, .texts = {"x", ""}},
          {.name = "views", .type = index::TagType::kInteger, .low = -5, .high = 5},
          {.name = "rent", .type = index::TagType::kDecimal, .scale = 2},
          {.name = "born", .type = index::TagType::kDate},
          {.name = "seen", .type = index::TagType::kDateTime},
          {.name = "graduate", .type = index::TagType::kFlag}};
}

TEST(ConvertExpressionTest, RandomTreesComeBackThroughTheWire) {
  const uint64_t seed = testing::TestSeed();
  ExpressionGenerator generator(
      AllTypes(),
      {.depth_max = 6,
       .ids = {"u1", "7", "ü"},
       .numeric_ids = {0, 7, ~uint64_t{0}},
       .typed_times = true,
       .limited_one_in = 4,
       .crowds = {{.name = "a"}, {.name = "b", .live = true}, {.name = "c", .version = 7}}},
      seed);
  for (int i = 0; i < testing::TestRounds(3'000); ++i) {
    const query::Expression expression = generator.Next();
    v1::Expression proto;
    ExpressionToProto(expression, &proto);
    v1::Expression received;
    ASSERT_TRUE(received.ParseFromString(proto.SerializeAsString()));
    const absl::StatusOr<query::Expression> back = ToExpression(received, {}, FieldPath("tree"));
    ASSERT_TRUE(back.ok()) << back.status() << "\n" << query::Format(expression);
    ASSERT_TRUE(*back == expression) << "seed " << seed << " round " << i << "\n"
                                     << query::Format(expression) << "\n"
                                     << query::Format(*back);
  }
}

TEST(ConvertExpressionTest, NamesTheFieldThatIsUnset) {
  EXPECT_EQ(Reason(""), "REQUIRED at tree.kind");
  EXPECT_EQ(Reason("negation { }"), "REQUIRED at tree.negation.operand");
  EXPECT_EQ(Reason("negation { operand { } }"), "REQUIRED at tree.negation.operand.kind");
  EXPECT_EQ(Reason("conjunction { operands { all_users { } } operands { } }"),
            "REQUIRED at tree.conjunction.operands[1].kind");
  EXPECT_EQ(Reason("disjunction { operands { } }"),
            "REQUIRED at tree.disjunction.operands[0].kind");
  EXPECT_EQ(Reason("condition { tag: 'a' }"), "REQUIRED at tree.condition.test");
  EXPECT_EQ(Reason("condition { tag: 'a' any_of { values { text: 'x' } values { } } }"),
            "REQUIRED at tree.condition.any_of.values[1].kind");
  EXPECT_EQ(Reason("condition { tag: 'a' none_of { values { } } }"),
            "REQUIRED at tree.condition.none_of.values[0].kind");
  EXPECT_EQ(Reason("condition { tag: 'a' range { lower { } } }"),
            "REQUIRED at tree.condition.range.lower.kind");
  EXPECT_EQ(Reason("condition { tag: 'a' range { upper { relative { } } } }"),
            "UNSPECIFIED at tree.condition.range.upper.relative.anchor");
}

TEST(ConvertExpressionTest, WhatValidateRefusesIsNamedToo) {
  EXPECT_EQ(Reason("conjunction { operands { all_users { } } }"), "INVALID_EXPRESSION at tree");
  EXPECT_EQ(Reason("condition { exists { } }"), "INVALID_EXPRESSION at tree");
  EXPECT_EQ(Reason("condition { tag: 'a' any_of { } }"), "INVALID_EXPRESSION at tree");
  EXPECT_EQ(Reason("condition { tag: 'a' range { } }"), "INVALID_EXPRESSION at tree");
  EXPECT_EQ(Reason("id_set { }"), "INVALID_EXPRESSION at tree");
  EXPECT_EQ(Reason("bucket { from: 2 to: 1 }"), "VALUE_OUT_OF_RANGE at tree");
  EXPECT_EQ(Reason("sample { }"), "VALUE_OUT_OF_RANGE at tree");
  EXPECT_EQ(
      Reason("condition { tag: 'a' any_of { values { date { year: 2023 month: 2 day: 29 } } } }"),
      "BAD_DATE at tree");
}

v1::Expression Nested(int depth) {
  v1::Expression root;
  v1::Expression* place = &root;
  for (int i = 1; i < depth; ++i) place = place->mutable_negation()->mutable_operand();
  place->mutable_all_users();
  return root;
}

TEST(ConvertExpressionTest, DepthIsBoundedWhileConverting) {
  const query::ExpressionLimits limits;
  const FieldPath field("tree");
  EXPECT_TRUE(ToExpression(Nested(limits.depth_max), limits, field).ok());
  const absl::Status deep = ToExpression(Nested(limits.depth_max + 1), limits, field).status();
  EXPECT_EQ(index::GetErrorDetail(deep)->reason, "EXPRESSION_TOO_DEEP");
  EXPECT_EQ(index::GetErrorDetail(deep)->limit, 64u);
}

TEST(ConvertExpressionTest, NodesAndListsAreBoundedWhileConverting) {
  const query::ExpressionLimits limits{.nodes_max = 4, .list_values_max = 3};
  const std::string all = "operands { all_users { } } ";
  EXPECT_EQ(Reason("conjunction { " + all + all + all + "}", limits), "OK");
  EXPECT_EQ(Reason("conjunction { " + all + all + all + all + "}", limits),
            "TOO_MANY_NODES at tree.conjunction.operands[3]");
  const std::string value = "values { integer: 1 } ";
  EXPECT_EQ(Reason("condition { tag: 'a' any_of { " + value + value + value + "} }", limits), "OK");
  EXPECT_EQ(
      Reason("condition { tag: 'a' any_of { " + value + value + value + value + "} }", limits),
      "TOO_MANY_VALUES at tree.condition.any_of.values");
  EXPECT_EQ(Reason("id_set { ids: 'a' numbers: 1 numbers: 2 }", limits), "OK");
  EXPECT_EQ(Reason("id_set { ids: 'a' ids: 'b' numbers: 1 numbers: 2 }", limits),
            "TOO_MANY_VALUES at tree.id_set");
}

TEST(ConvertExpressionTest, LimitsStandAtTheRootAndAreWhole) {
  const std::string limited = "limited { operand { all_users { } } ";
  EXPECT_EQ(Reason(limited + "users: 1 any { } }"), "OK");
  EXPECT_EQ(Reason(limited + "users: 2147483647 any { salt: 's' } }"), "OK");
  EXPECT_EQ(Reason(limited + "users: 1 top { tag: 'a' direction: DIRECTION_ASCENDING } }"), "OK");
  EXPECT_EQ(Reason(limited + "any { } }"), "VALUE_OUT_OF_RANGE at tree");
  EXPECT_EQ(Reason(limited + "users: 2147483648 any { } }"), "VALUE_OUT_OF_RANGE at tree");
  EXPECT_EQ(Reason(limited + "users: 1 }"), "REQUIRED at tree.limited.order");
  EXPECT_EQ(Reason("limited { users: 1 any { } }"), "REQUIRED at tree.limited.operand");
  EXPECT_EQ(Reason("limited { operand { } users: 1 any { } }"),
            "REQUIRED at tree.limited.operand.kind");
  EXPECT_EQ(Reason(limited + "users: 1 top { tag: 'a' } }"),
            "UNSPECIFIED at tree.limited.top.direction");
  EXPECT_EQ(Reason(limited + "users: 1 top { direction: DIRECTION_ASCENDING } }"),
            "INVALID_EXPRESSION at tree");
  EXPECT_EQ(Reason("negation { operand { " + limited + "users: 1 any { } } } }"),
            "MISPLACED_LIMIT at tree.negation.operand.limited");
  EXPECT_EQ(Reason("limited { operand { " + limited + "users: 1 any { } } } users: 1 any { } }"),
            "MISPLACED_LIMIT at tree.limited.operand.limited");
}

TEST(ConvertExpressionTest, ReadsIdsFromABitmap) {
  v1::Expression proto;
  proto.mutable_id_set()->add_numbers(9);
  proto.mutable_id_set()->set_roaring(index::EncodeNumbers({5, 1, uint64_t{1} << 40}));
  const absl::StatusOr<query::Expression> expression =
      ToExpression(proto, {.list_values_max = 4}, FieldPath("tree"));
  ASSERT_TRUE(expression.ok()) << expression.status();
  EXPECT_EQ(std::get<query::IdSet>(expression->node).numbers,
            (std::vector<uint64_t>{9, 1, 5, uint64_t{1} << 40}));
  EXPECT_FALSE(ToExpression(proto, {.list_values_max = 3}, FieldPath("tree")).ok());
  proto.mutable_id_set()->set_roaring("no bitmap");
  EXPECT_EQ(ReasonOf(ToExpression(proto, {}, FieldPath("tree")).status()),
            "BAD_ROARING at tree.id_set.roaring");
}

TEST(ConvertExpressionTest, TextThatIsNotUtf8IsRefused) {
  v1::Expression proto;
  proto.mutable_condition()->set_tag("a\xff");
  proto.mutable_condition()->mutable_exists();
  EXPECT_EQ(ReasonOf(ToExpression(proto, {}, FieldPath("tree")).status()), "INVALID_UTF8 at tree");
}

}  // namespace
}  // namespace throng::service
