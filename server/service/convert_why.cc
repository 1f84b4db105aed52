#include "server/service/convert_why.h"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "server/service/convert_selection.h"
#include "server/service/convert_tag.h"
#include "server/service/convert_value.h"

namespace throng::service {
namespace {

void ConditionToProto(const engine::WhyCondition& condition, size_t place,
                      v1::WhyCondition* proto) {
  proto->set_number(static_cast<uint32_t>(place) + 1);
  proto->set_condition(condition.text);
  proto->set_line(static_cast<uint32_t>(condition.span.line));
  proto->set_column(static_cast<uint32_t>(condition.span.column));
  proto->set_length(static_cast<uint32_t>(condition.span.length));
  proto->set_negated(condition.negated);
  proto->set_same_as(condition.same_as);
}

// What a tag holds, as the values of the API.
struct ValueWriter {
  const engine::UserValue& value;
  v1::UserValue* proto;

  void operator()(bool flag) const { proto->add_values()->set_flag(flag); }
  void operator()(int64_t number) const {
    NumberToProto(value.type, value.scale, number, proto->add_values());
  }
  void operator()(const std::vector<std::string>& texts) const {
    for (const std::string& text : texts) TextToProto(value.type, text, proto->add_values());
  }
};

void UserValueToProto(const engine::UserValue& value, v1::UserValue* proto) {
  proto->set_tag(value.tag);
  proto->set_type(TagTypeToProto(value.type));
  proto->set_labels(value.labels);
  if (value.value.has_value()) std::visit(ValueWriter{value, proto}, *value.value);
}

v1::FlipKind KindToProto(query::Flip::Kind kind) {
  switch (kind) {
    case query::Flip::Kind::kSmallest:
      return v1::FLIP_KIND_SMALLEST;
    case query::Flip::Kind::kFound:
      return v1::FLIP_KIND_FOUND;
    case query::Flip::Kind::kImpossible:
      return v1::FLIP_KIND_IMPOSSIBLE;
    case query::Flip::Kind::kUnknown:
      return v1::FLIP_KIND_UNKNOWN;
  }
  return v1::FLIP_KIND_UNSPECIFIED;
}

}  // namespace

void ReasonsToProto(const engine::UserReasons& reasons, v1::WhyMemberResponse* proto) {
  v1::UserReasons* user = proto->mutable_user();
  user->set_id(reasons.id);
  user->set_member(reasons.is_member);
  user->set_beyond_limit(reasons.is_beyond_limit);
  for (size_t c = 0; c < reasons.conditions.size(); ++c) {
    const engine::UserCondition& condition = reasons.conditions[c];
    v1::UserCondition* added = user->add_conditions();
    ConditionToProto(condition.condition, c, added->mutable_condition());
    added->set_matches(condition.matches);
    added->set_met(condition.met);
    added->set_decides(condition.decides);
    if (condition.value.has_value()) UserValueToProto(*condition.value, added->mutable_value());
  }
  user->mutable_flip()->set_kind(KindToProto(reasons.flip.kind));
  for (const uint32_t c : reasons.flip.conditions) user->mutable_flip()->add_conditions(c + 1);
  InfoToProto(reasons.info, proto->mutable_info());
}

void ReasonsToProto(const engine::ListReasons& reasons, v1::WhyMemberResponse* proto) {
  v1::ListReasons* users = proto->mutable_users();
  users->set_in_count(reasons.in);
  users->set_out_count(reasons.out);
  users->set_unknown_count(reasons.unknown);
  users->set_beyond_limit_count(reasons.beyond_limit);
  for (size_t c = 0; c < reasons.conditions.size(); ++c) {
    const engine::ListCondition& condition = reasons.conditions[c];
    v1::ListCondition* added = users->add_conditions();
    ConditionToProto(condition.condition, c, added->mutable_condition());
    added->set_missed(condition.missed);
    added->set_decided(condition.decided);
  }
  InfoToProto(reasons.info, proto->mutable_info());
}

}  // namespace throng::service
