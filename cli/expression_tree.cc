#include "cli/expression_tree.h"

#include <string>
#include <string_view>
#include <utility>

#include "fmt/format.h"
#include "google/protobuf/util/json_util.h"

namespace throng::cli {
namespace {

using ::google::protobuf::RepeatedPtrField;

absl::Status TooDeep() {
  return absl::InvalidArgumentError(
      fmt::format("the expression is nested more than {} levels deep", kTreeDepthMax));
}

absl::Status JsonFailure(std::string_view what, const google::protobuf::util::Status& status) {
  return absl::InvalidArgumentError(fmt::format(
      "{}: {}", what, std::string_view(status.message().data(), status.message().size())));
}

// Conditions and the other leaves: protobuf's own JSON.
absl::StatusOr<Json> LeafToJson(const v1::Expression& leaf) {
  std::string text;
  const auto printed = google::protobuf::util::MessageToJsonString(leaf, &text);
  if (!printed.ok()) return JsonFailure("a condition cannot be printed as JSON", printed);
  return Json::parse(text, nullptr, /*allow_exceptions=*/false);
}

absl::StatusOr<v1::Expression> LeafFromJson(const Json& json) {
  v1::Expression leaf;
  const auto parsed = google::protobuf::util::JsonStringToMessage(
      json.dump(-1, ' ', false, Json::error_handler_t::replace), &leaf);
  if (!parsed.ok()) return JsonFailure("not an expression tree", parsed);
  return leaf;
}

absl::StatusOr<Json> ToJson(const v1::Expression& tree, int depth);

absl::StatusOr<Json> OperandsToJson(const RepeatedPtrField<v1::Expression>& operands, int depth) {
  Json list = Json::array();
  for (const v1::Expression& operand : operands) {
    absl::StatusOr<Json> json = ToJson(operand, depth);
    if (!json.ok()) return json.status();
    list.push_back(*std::move(json));
  }
  return Json{{"operands", std::move(list)}};
}

// The limit as protobuf prints it, with the operand as a member.
absl::StatusOr<Json> LimitedToJson(const v1::Limited& limited, int depth) {
  v1::Expression limit;
  limit.mutable_limited()->set_users(limited.users());
  if (limited.has_top()) *limit.mutable_limited()->mutable_top() = limited.top();
  if (limited.has_any()) *limit.mutable_limited()->mutable_any() = limited.any();
  absl::StatusOr<Json> json = LeafToJson(limit);
  if (!json.ok()) return json.status();
  absl::StatusOr<Json> operand = ToJson(limited.operand(), depth);
  if (!operand.ok()) return operand.status();
  Json members{{"operand", *std::move(operand)}};
  members.update((*json)["limited"]);
  return members;
}

absl::StatusOr<Json> ToJson(const v1::Expression& tree, int depth) {
  if (depth > kTreeDepthMax) return TooDeep();
  absl::StatusOr<Json> inner;
  std::string_view name;
  if (tree.has_conjunction()) {
    name = "conjunction";
    inner = OperandsToJson(tree.conjunction().operands(), depth + 1);
  } else if (tree.has_disjunction()) {
    name = "disjunction";
    inner = OperandsToJson(tree.disjunction().operands(), depth + 1);
  } else if (tree.has_negation()) {
    name = "negation";
    inner = ToJson(tree.negation().operand(), depth + 1);
    if (inner.ok()) inner = Json{{"operand", *std::move(inner)}};
  } else if (tree.has_limited()) {
    name = "limited";
    inner = LimitedToJson(tree.limited(), depth + 1);
  } else {
    return LeafToJson(tree);
  }
  if (!inner.ok()) return inner.status();
  Json json;
  json[std::string(name)] = *std::move(inner);
  return json;
}

absl::StatusOr<v1::Expression> FromJson(const Json& json, int depth);

// `json` is {"operands": [...]}.
absl::Status OperandsFromJson(const Json& json, int depth,
                              RepeatedPtrField<v1::Expression>* operands) {
  if (!json.is_object() || json.size() != 1 || !json.contains("operands") ||
      !json["operands"].is_array()) {
    return absl::InvalidArgumentError(
        "not an expression tree: a conjunction or disjunction holds \"operands\", a list");
  }
  for (const Json& item : json["operands"]) {
    absl::StatusOr<v1::Expression> operand = FromJson(item, depth);
    if (!operand.ok()) return operand.status();
    *operands->Add() = *std::move(operand);
  }
  return absl::OkStatus();
}

// `json` is the operand and the limit, as members of one object.
absl::StatusOr<v1::Expression> LimitedFromJson(const Json& json, int depth) {
  if (!json.is_object() || !json.contains("operand")) {
    return absl::InvalidArgumentError("not an expression tree: a limit holds an \"operand\"");
  }
  absl::StatusOr<v1::Expression> operand = FromJson(json["operand"], depth);
  if (!operand.ok()) return operand.status();
  Json limit = json;
  limit.erase("operand");
  absl::StatusOr<v1::Expression> tree = LeafFromJson(Json{{"limited", std::move(limit)}});
  if (tree.ok()) *tree->mutable_limited()->mutable_operand() = *std::move(operand);
  return tree;
}

absl::StatusOr<v1::Expression> FromJson(const Json& json, int depth) {
  if (depth > kTreeDepthMax) return TooDeep();
  if (!json.is_object() || json.size() != 1) {
    return json.is_object() && json.empty()
               ? absl::StatusOr<v1::Expression>(v1::Expression())
               : absl::InvalidArgumentError(
                     "not an expression tree: each expression is an object with one member, "
                     "such as \"condition\"");
  }
  v1::Expression tree;
  absl::Status status;
  if (json.contains("conjunction")) {
    status = OperandsFromJson(json["conjunction"], depth + 1,
                              tree.mutable_conjunction()->mutable_operands());
  } else if (json.contains("disjunction")) {
    status = OperandsFromJson(json["disjunction"], depth + 1,
                              tree.mutable_disjunction()->mutable_operands());
  } else if (json.contains("negation")) {
    const Json& negation = json["negation"];
    if (!negation.is_object() || negation.size() != 1 || !negation.contains("operand")) {
      return absl::InvalidArgumentError("not an expression tree: a negation holds an \"operand\"");
    }
    absl::StatusOr<v1::Expression> operand = FromJson(negation["operand"], depth + 1);
    if (!operand.ok()) return operand.status();
    *tree.mutable_negation()->mutable_operand() = *std::move(operand);
  } else if (json.contains("limited")) {
    return LimitedFromJson(json["limited"], depth + 1);
  } else {
    return LeafFromJson(json);
  }
  if (!status.ok()) return status;
  return tree;
}

}  // namespace

absl::StatusOr<Json> TreeToJson(const v1::Expression& tree) { return ToJson(tree, 1); }

absl::StatusOr<v1::Expression> TreeFromJson(const Json& json) { return FromJson(json, 1); }

}  // namespace throng::cli
