#include "server/service/convert_statistics.h"

#include <cmath>
#include <cstddef>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "query/decimal_literal.h"
#include "server/service/convert_selection.h"
#include "server/service/convert_time.h"
#include "server/service/convert_value.h"
#include "server/service/field_path.h"
#include "server/service/status_mapping.h"

namespace throng::service {
namespace {

constexpr int kPercentScale = 6;

absl::StatusOr<std::optional<engine::Period>> ToPeriod(v1::Period proto) {
  switch (proto) {
    case v1::PERIOD_UNSPECIFIED:
      return std::nullopt;
    case v1::PERIOD_DAY:
      return engine::Period::kDay;
    case v1::PERIOD_WEEK:
      return engine::Period::kWeek;
    case v1::PERIOD_MONTH:
      return engine::Period::kMonth;
    default:  // an enum of the wire may be any number
      return index::InvalidArgument("UNSPECIFIED", "period", "there is no such period");
  }
}

bool IsTime(const engine::NumberStatistics& tag) {
  return tag.type == index::TagType::kDate || tag.type == index::TagType::kDateTime;
}

double Unscaled(double units, int scale) { return units / std::pow(10.0, scale); }

void BinToProto(const engine::NumberStatistics& tag, const engine::HistogramBin& bin,
                v1::HistogramBin* proto) {
  if (bin.lower.has_value()) NumberToProto(tag.type, tag.scale, *bin.lower, proto->mutable_lower());
  if (bin.upper.has_value()) NumberToProto(tag.type, tag.scale, *bin.upper, proto->mutable_upper());
  proto->set_includes_upper(bin.includes_upper);
  proto->set_period(bin.label);
  proto->set_count(bin.count);
  const uint64_t of = tag.figures.with_value;
  proto->set_share(of == 0 ? 0 : static_cast<double>(bin.count) / static_cast<double>(of));
}

void SumToProto(const engine::NumberStatistics& tag, v1::TagStatistics* proto) {
  if (IsTime(tag)) {
    if (tag.average_us.has_value()) {
      UnixMicrosToProto(*tag.average_us, proto->mutable_average_time());
    }
    return;
  }
  if (const absl::StatusOr<int64_t> sum = tag.figures.Sum(); sum.ok()) {
    NumberToProto(tag.type, tag.scale, *sum, proto->mutable_sum());
  } else {
    proto->mutable_sum_error()->ParseFromString(ToGrpcStatus(sum.status()).error_details());
  }
  if (const std::optional<double> average = tag.figures.Average()) {
    proto->set_average(Unscaled(*average, tag.scale));
  }
}

void TagToProto(const engine::NumberStatistics& tag, v1::TagStatistics* proto) {
  const auto number = [&](int64_t value, v1::Value* out) {
    NumberToProto(tag.type, tag.scale, value, out);
  };
  proto->set_tag(tag.figures.tag);
  proto->set_with_value(tag.figures.with_value);
  proto->set_missing(tag.figures.missing());
  SumToProto(tag, proto);
  if (tag.figures.min.has_value()) number(*tag.figures.min, proto->mutable_min());
  if (tag.figures.max.has_value()) number(*tag.figures.max, proto->mutable_max());
  for (const engine::Percentile& percentile : tag.percentiles) {
    v1::PercentileValue* added = proto->add_percentiles();
    added->set_percentile(PercentText(percentile.percent));
    if (percentile.value.has_value()) number(*percentile.value, added->mutable_value());
  }
  if (!tag.has_histogram) return;
  v1::Histogram* histogram = proto->mutable_histogram();
  for (const engine::HistogramBin& bin : tag.histogram) BinToProto(tag, bin, histogram->add_bins());
}

}  // namespace

std::optional<uint32_t> ToPercent(std::string_view text) {
  const std::optional<query::DecimalLiteral> literal = query::ParseDecimal(text);
  if (!literal.has_value()) return std::nullopt;
  const query::ScaledBounds bounds = query::ScaleTo(*literal, kPercentScale);
  if (bounds.floor != bounds.ceil || bounds.floor < 0 || bounds.floor > engine::kHundredPercent) {
    return std::nullopt;
  }
  return static_cast<uint32_t>(bounds.floor);
}

std::string PercentText(uint32_t percent) {
  std::string text = query::FormatDecimal({.units = percent, .scale = kPercentScale});
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text;
}

absl::StatusOr<engine::StatisticsRequest> ToStatistics(const v1::StatisticsRequest& proto) {
  engine::StatisticsRequest request;
  request.tags.assign(proto.tags().begin(), proto.tags().end());
  for (int i = 0; i < proto.percentiles_size(); ++i) {
    const std::optional<uint32_t> percent = ToPercent(proto.percentiles(i));
    if (!percent.has_value()) {
      const std::string field = fmt::format("percentiles[{}]", i);
      return index::InvalidArgument(
          "BAD_PERCENTILE", field,
          fmt::format("{} is no decimal from 0 to 100 with at most 6 digits after the point",
                      field));
    }
    request.percentiles.push_back(*percent);
  }
  request.bins = proto.bins();
  THRONG_ASSIGN_OR_RETURN(request.period, ToPeriod(proto.period()));
  const FieldPath edges("edges");
  for (int i = 0; i < proto.edges_size(); ++i) {
    engine::TagEdges& tag = request.edges.emplace_back();
    tag.tag = proto.edges(i).tag();
    const FieldPath of_tag = edges.At(i);
    const FieldPath list(of_tag, "edges");
    for (int j = 0; j < proto.edges(i).edges_size(); ++j) {
      THRONG_ASSIGN_OR_RETURN(query::Value edge, ToValue(proto.edges(i).edges(j), list.At(j)));
      tag.edges.push_back(std::move(edge));
    }
  }
  return request;
}

void StatisticsToProto(const engine::StatisticsResult& result, v1::StatisticsResponse* proto) {
  proto->set_count(result.count);
  for (const engine::NumberStatistics& tag : result.tags) TagToProto(tag, proto->add_tags());
  InfoToProto(result.info, proto->mutable_info());
}

}  // namespace throng::service
