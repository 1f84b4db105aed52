#include "server/engine/call_notes.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <variant>

#include "index/overloaded.h"
#include "index/utf8.h"
#include "query/expression.h"
#include "query/formatter.h"

namespace throng::engine {
namespace {

void AddTags(const query::Expression& expression, std::set<std::string>* tags);

void AddTags(const std::vector<query::Expression>& operands, std::set<std::string>* tags) {
  for (const query::Expression& operand : operands) AddTags(operand, tags);
}

void AddTags(const query::Expression& expression, std::set<std::string>* tags) {
  std::visit(index::Overloaded{
                 [&](const query::And& node) { AddTags(node.operands, tags); },
                 [&](const query::Or& node) { AddTags(node.operands, tags); },
                 [&](const query::Not& node) { AddTags(node.operand, tags); },
                 [&](const query::Condition& node) { tags->insert(node.tag); },
                 [&](const query::Limited& node) {
                   const auto* order = std::get_if<query::ByTag>(&node.order);
                   if (order != nullptr) tags->insert(order->tag);
                   AddTags(node.operand, tags);
                 },
                 [](const query::IdSet&) {},
                 [](const query::Bucket&) {},
                 [](const query::Sample&) {},
                 [](const query::CrowdRef&) {},
                 [](const query::AllUsers&) {},
                 [](const query::NoUsers&) {},
             },
             expression.node);
}

}  // namespace

void CallNotes::NotePlace(NotedPlace place) {
  if (!place_.has_value() && brief_.empty()) place_ = std::move(place);
}

void CallNotes::Note(const query::Expression& expression) {
  if (brief_.empty()) brief_ = query::FormatBrief(expression, kBriefExpressionBytesMax);
  if (detail_ == Detail::kBrief) return;
  AddTags(expression, &tags_);
  if (expressions_.size() >= kNotedExpressionsMax) return;
  std::string text = query::Format(expression);
  if (text.size() > kNotedExpressionBytesMax) {
    const std::string_view prefix = std::string_view(text).substr(0, kNotedExpressionBytesMax);
    text.resize(index::ValidUtf8Prefix(prefix));
    text += "...";
  }
  if (std::find(expressions_.begin(), expressions_.end(), text) == expressions_.end()) {
    expressions_.push_back(std::move(text));
  }
}

}  // namespace throng::engine
