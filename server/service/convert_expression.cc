#include "server/service/convert_expression.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "index/error.h"
#include "index/roaring_codec.h"
#include "query/parser.h"
#include "server/service/convert_value.h"

namespace throng::service {
namespace {

// Converts one tree, counting what it makes.
class TreeReader {
 public:
  explicit TreeReader(const query::ExpressionLimits& limits) : limits_(limits) {}

  absl::StatusOr<query::Expression> Read(const v1::Expression& proto, int depth,
                                         const FieldPath& field) {
    THRONG_RETURN_IF_ERROR(CheckLimit("EXPRESSION_TOO_DEEP", "the expression's depth",
                                      limits_.depth_max, depth, field));
    THRONG_RETURN_IF_ERROR(
        CheckLimit("TOO_MANY_NODES", "the expression's nodes", limits_.nodes_max, ++nodes_, field));
    switch (proto.kind_case()) {
      case v1::Expression::kConjunction:
        return ReadChain<query::And>(proto.conjunction().operands(), depth,
                                     FieldPath(field, "conjunction.operands"));
      case v1::Expression::kDisjunction:
        return ReadChain<query::Or>(proto.disjunction().operands(), depth,
                                    FieldPath(field, "disjunction.operands"));
      case v1::Expression::kNegation:
        return ReadNegation(proto.negation(), depth, FieldPath(field, "negation.operand"));
      case v1::Expression::kCondition:
        return ReadCondition(proto.condition(), FieldPath(field, "condition"));
      case v1::Expression::kIdSet:
        return ReadIdSet(proto.id_set(), FieldPath(field, "id_set"));
      case v1::Expression::kBucket:
        return query::Expression{query::Bucket{.salt = proto.bucket().salt(),
                                               .from = proto.bucket().from(),
                                               .to = proto.bucket().to()}};
      case v1::Expression::kSample:
        return query::Expression{query::Sample{.millionths = proto.sample().millionths(),
                                               .salt = proto.sample().salt()}};
      case v1::Expression::kAllUsers:
        return query::Expression{query::AllUsers{}};
      case v1::Expression::kNoUsers:
        return query::Expression{query::NoUsers{}};
      case v1::Expression::kCrowdRef:
        return ReadCrowdRef(proto.crowd_ref(), FieldPath(field, "crowd_ref"));
      case v1::Expression::kLimited:
        return ReadLimited(proto.limited(), depth, FieldPath(field, "limited"));
      case v1::Expression::KIND_NOT_SET:
        break;
    }
    return RequiredField(FieldPath(field, "kind"));
  }

 private:
  static absl::StatusOr<query::Expression> ReadCrowdRef(const v1::CrowdRef& proto,
                                                        const FieldPath& field) {
    THRONG_ASSIGN_OR_RETURN(query::CrowdRef crowd, ToCrowdRef(proto, field));
    return query::Expression{std::move(crowd)};
  }

  template <typename Chain, typename Operands>
  absl::StatusOr<query::Expression> ReadChain(const Operands& operands, int depth,
                                              const FieldPath& field) {
    Chain chain;
    for (int i = 0; i < operands.size(); ++i) {
      THRONG_ASSIGN_OR_RETURN(query::Expression operand,
                              Read(operands.Get(i), depth + 1, field.At(i)));
      chain.operands.push_back(std::move(operand));
    }
    return query::Expression{std::move(chain)};
  }

  absl::StatusOr<query::Expression> ReadNegation(const v1::Negation& proto, int depth,
                                                 const FieldPath& field) {
    if (!proto.has_operand()) return RequiredField(field);
    THRONG_ASSIGN_OR_RETURN(query::Expression operand, Read(proto.operand(), depth + 1, field));
    query::Not negation;
    negation.operand.push_back(std::move(operand));
    return query::Expression{std::move(negation)};
  }

  absl::StatusOr<query::Expression> ReadLimited(const v1::Limited& proto, int depth,
                                                const FieldPath& field) {
    if (depth > 1) {
      return index::InvalidArgument("MISPLACED_LIMIT", field.ToString(),
                                    "a limit stands at the root of an expression only");
    }
    if (!proto.has_operand()) return RequiredField(FieldPath(field, "operand"));
    THRONG_ASSIGN_OR_RETURN(query::Expression operand,
                            Read(proto.operand(), depth + 1, FieldPath(field, "operand")));
    query::Limited limited;
    limited.operand.push_back(std::move(operand));
    limited.users = proto.users();
    switch (proto.order_case()) {
      case v1::Limited::kTop: {
        THRONG_ASSIGN_OR_RETURN(limited.order, ReadTop(proto.top(), FieldPath(field, "top")));
        break;
      }
      case v1::Limited::kAny:
        limited.order = query::BySalt{proto.any().salt()};
        break;
      case v1::Limited::ORDER_NOT_SET:
        return RequiredField(FieldPath(field, "order"));
    }
    return query::Expression{std::move(limited)};
  }

  static absl::StatusOr<query::ByTag> ReadTop(const v1::TopBy& proto, const FieldPath& field) {
    query::ByTag order;
    order.tag = proto.tag();
    order.descending = proto.direction() == v1::TopBy::DIRECTION_DESCENDING;
    if (!order.descending && proto.direction() != v1::TopBy::DIRECTION_ASCENDING) {
      return UnspecifiedEnum(FieldPath(field, "direction"));
    }
    return order;
  }

  absl::StatusOr<query::Expression> ReadCondition(const v1::Condition& proto,
                                                  const FieldPath& field) {
    query::Condition condition;
    condition.tag = proto.tag();
    switch (proto.test_case()) {
      case v1::Condition::kAnyOf: {
        THRONG_ASSIGN_OR_RETURN(
            std::vector<query::Value> values,
            ReadValues(proto.any_of().values(), FieldPath(field, "any_of.values")));
        condition.test = query::AnyOf{std::move(values)};
        break;
      }
      case v1::Condition::kNoneOf: {
        THRONG_ASSIGN_OR_RETURN(
            std::vector<query::Value> values,
            ReadValues(proto.none_of().values(), FieldPath(field, "none_of.values")));
        condition.test = query::NoneOf{std::move(values)};
        break;
      }
      case v1::Condition::kRange: {
        THRONG_ASSIGN_OR_RETURN(condition.test,
                                ReadRange(proto.range(), FieldPath(field, "range")));
        break;
      }
      case v1::Condition::kExists:
        condition.test = query::Exists{};
        break;
      case v1::Condition::kIsSet:
        condition.test = query::IsSet{};
        break;
      case v1::Condition::TEST_NOT_SET:
        return RequiredField(FieldPath(field, "test"));
    }
    return query::Expression{std::move(condition)};
  }

  template <typename Values>
  absl::StatusOr<std::vector<query::Value>> ReadValues(const Values& protos,
                                                       const FieldPath& field) {
    THRONG_RETURN_IF_ERROR(CountValues(protos.size(), field));
    std::vector<query::Value> values;
    values.reserve(static_cast<size_t>(protos.size()));
    for (int i = 0; i < protos.size(); ++i) {
      THRONG_ASSIGN_OR_RETURN(query::Value value, ToValue(protos.Get(i), field.At(i)));
      values.push_back(std::move(value));
    }
    return values;
  }

  absl::StatusOr<query::Range> ReadRange(const v1::Range& proto, const FieldPath& field) {
    query::Range range;
    if (proto.has_lower()) {
      THRONG_ASSIGN_OR_RETURN(range.lower, ToValue(proto.lower(), FieldPath(field, "lower")));
    }
    if (proto.has_upper()) {
      THRONG_ASSIGN_OR_RETURN(range.upper, ToValue(proto.upper(), FieldPath(field, "upper")));
    }
    range.lower_inclusive = proto.lower_inclusive();
    range.upper_inclusive = proto.upper_inclusive();
    return range;
  }

  absl::StatusOr<query::Expression> ReadIdSet(const v1::IdSet& proto, const FieldPath& field) {
    THRONG_RETURN_IF_ERROR(
        CountValues(int64_t{proto.ids_size()} + int64_t{proto.numbers_size()}, field));
    query::IdSet set;
    set.ids.assign(proto.ids().begin(), proto.ids().end());
    set.numbers.assign(proto.numbers().begin(), proto.numbers().end());
    if (!proto.roaring().empty()) {
      const uint64_t members_max = static_cast<uint64_t>(limits_.list_values_max - values_);
      absl::StatusOr<std::vector<uint64_t>> members =
          index::DecodeNumbers(proto.roaring(), members_max);
      if (!members.ok()) {
        return index::WithField(members.status(), FieldPath(field, "roaring").ToString());
      }
      THRONG_RETURN_IF_ERROR(CountValues(static_cast<int64_t>(members->size()), field));
      set.numbers.insert(set.numbers.end(), members->begin(), members->end());
    }
    return query::Expression{std::move(set)};
  }

  absl::Status CountValues(int64_t count, const FieldPath& field) {
    values_ += count;
    return CheckLimit("TOO_MANY_VALUES", "the number of values in the expression's lists",
                      limits_.list_values_max, values_, field);
  }

  static absl::Status CheckLimit(std::string_view reason, std::string_view what, int64_t limit,
                                 int64_t requested, const FieldPath& field) {
    if (requested <= limit) return absl::OkStatus();
    return index::WithField(
        index::LimitExceeded(absl::StatusCode::kInvalidArgument, reason, what,
                             static_cast<uint64_t>(limit), static_cast<uint64_t>(requested)),
        field.ToString());
  }

  query::ExpressionLimits limits_;
  int64_t nodes_ = 0;
  int64_t values_ = 0;
};

// Writes each kind of test into a proto Condition.
struct TestWriter {
  v1::Condition* proto;

  void operator()(const query::AnyOf& test) const {
    for (const query::Value& value : test.values) {
      ValueToProto(value, proto->mutable_any_of()->add_values());
    }
  }
  void operator()(const query::NoneOf& test) const {
    for (const query::Value& value : test.values) {
      ValueToProto(value, proto->mutable_none_of()->add_values());
    }
  }
  void operator()(const query::Range& test) const {
    v1::Range* range = proto->mutable_range();
    if (test.lower.has_value()) ValueToProto(*test.lower, range->mutable_lower());
    if (test.upper.has_value()) ValueToProto(*test.upper, range->mutable_upper());
    range->set_lower_inclusive(test.lower_inclusive);
    range->set_upper_inclusive(test.upper_inclusive);
  }
  void operator()(const query::Exists&) const { proto->mutable_exists(); }
  void operator()(const query::IsSet&) const { proto->mutable_is_set(); }
};

// Writes each kind of node into a proto Expression.
struct NodeWriter {
  v1::Expression* proto;

  void operator()(const query::And& node) const {
    for (const query::Expression& operand : node.operands) {
      ExpressionToProto(operand, proto->mutable_conjunction()->add_operands());
    }
  }
  void operator()(const query::Or& node) const {
    for (const query::Expression& operand : node.operands) {
      ExpressionToProto(operand, proto->mutable_disjunction()->add_operands());
    }
  }
  void operator()(const query::Not& node) const {
    ExpressionToProto(node.operand.front(), proto->mutable_negation()->mutable_operand());
  }
  void operator()(const query::Condition& node) const {
    proto->mutable_condition()->set_tag(node.tag);
    std::visit(TestWriter{proto->mutable_condition()}, node.test);
  }
  void operator()(const query::IdSet& node) const {
    v1::IdSet* set = proto->mutable_id_set();
    set->mutable_ids()->Assign(node.ids.begin(), node.ids.end());
    set->mutable_numbers()->Assign(node.numbers.begin(), node.numbers.end());
  }
  void operator()(const query::Bucket& node) const {
    proto->mutable_bucket()->set_salt(node.salt);
    proto->mutable_bucket()->set_from(node.from);
    proto->mutable_bucket()->set_to(node.to);
  }
  void operator()(const query::Sample& node) const {
    proto->mutable_sample()->set_millionths(node.millionths);
    proto->mutable_sample()->set_salt(node.salt);
  }
  void operator()(const query::CrowdRef& node) const {
    CrowdRefToProto(node, proto->mutable_crowd_ref());
  }
  void operator()(const query::AllUsers&) const { proto->mutable_all_users(); }
  void operator()(const query::NoUsers&) const { proto->mutable_no_users(); }
  void operator()(const query::Limited& node) const {
    v1::Limited* limited = proto->mutable_limited();
    ExpressionToProto(node.operand.front(), limited->mutable_operand());
    limited->set_users(node.users);
    if (const auto* order = std::get_if<query::ByTag>(&node.order)) {
      limited->mutable_top()->set_tag(order->tag);
      limited->mutable_top()->set_direction(order->descending ? v1::TopBy::DIRECTION_DESCENDING
                                                              : v1::TopBy::DIRECTION_ASCENDING);
    } else {
      limited->mutable_any()->set_salt(std::get<query::BySalt>(node.order).salt);
    }
  }
};

}  // namespace

absl::StatusOr<query::CrowdRef> ToCrowdRef(const v1::CrowdRef& proto, const FieldPath& field) {
  if (proto.crowd().empty()) return RequiredField(FieldPath(field, "crowd"));
  query::CrowdRef crowd;
  crowd.name = proto.crowd();
  crowd.live = proto.live();
  crowd.version = proto.version();
  if (proto.which_case() == v1::CrowdRef::kVersion && crowd.version == 0) {
    return index::InvalidArgument("VALUE_OUT_OF_RANGE", FieldPath(field, "version").ToString(),
                                  "versions are numbered from 1; leave it out for the newest");
  }
  return crowd;
}

absl::StatusOr<query::Expression> ToExpression(const v1::Expression& proto,
                                               const query::ExpressionLimits& limits,
                                               const FieldPath& field) {
  THRONG_ASSIGN_OR_RETURN(query::Expression expression, TreeReader(limits).Read(proto, 1, field));
  const absl::Status valid = query::Validate(expression, limits);
  if (!valid.ok()) return index::WithField(valid, field.ToString());
  return expression;
}

void CrowdRefToProto(const query::CrowdRef& crowd, v1::CrowdRef* proto) {
  proto->set_crowd(crowd.name);
  if (crowd.live) proto->set_live(true);
  if (crowd.version != 0) proto->set_version(crowd.version);
}

void ExpressionToProto(const query::Expression& expression, v1::Expression* proto) {
  std::visit(NodeWriter{proto}, expression.node);
}

}  // namespace throng::service
