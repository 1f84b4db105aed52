#include "cli/compare_output.h"

#include <utility>

namespace throng::cli {

Json ComparedRowJson(const v1::ComparedRow& row) {
  Json json = Json::object();
  if (row.has_value()) json["value"] = ValueJson(row.value());
  if (row.has_lower() || row.has_upper()) {
    json["lower"] = row.has_lower() ? ValueJson(row.lower()) : Json(nullptr);
    json["upper"] = row.has_upper() ? ValueJson(row.upper()) : Json(nullptr);
  }
  json["count"] = row.count();
  json["share"] = row.share();
  json["baseline_count"] = row.baseline_count();
  json["baseline_share"] = row.baseline_share();
  json["difference"] = row.difference();
  json["difference_low"] = row.difference_low();
  json["difference_high"] = row.difference_high();
  json["tgi"] = row.has_tgi() ? Json(row.tgi()) : Json(nullptr);
  return json;
}

Json ComparedTagJson(const v1::ComparedTag& tag) {
  Json rows = Json::array();
  for (const v1::ComparedRow& row : tag.rows()) rows.push_back(ComparedRowJson(row));
  return {{"tag", tag.tag()},
          {"difference", tag.difference()},
          {"by_chance", tag.by_chance()},
          {"p_value", tag.p_value()},
          {"rows", std::move(rows)},
          {"missing", ComparedRowJson(tag.missing())},
          {"rows_left_out", tag.rows_left_out()}};
}

}  // namespace throng::cli
