#include "server/service/convert_sample.h"

namespace throng::service {

engine::SampleRequest ToSample(const v1::Sampling& proto) {
  engine::SampleRequest request{.millionths = proto.millionths(), .salt = proto.salt()};
  if (proto.confidence() != 0) request.confidence = proto.confidence();
  return request;
}

void SampleToProto(const engine::SampleReport& report, v1::SampleReport* proto) {
  proto->set_method(report.by_chunks ? v1::SAMPLE_METHOD_CHUNKS : v1::SAMPLE_METHOD_USERS);
  proto->set_users(report.users);
  proto->set_users_looked_at(report.users_looked_at);
  proto->set_chunks(report.chunks);
  proto->set_chunks_read(report.chunks_read);
  proto->set_millionths(report.request.millionths);
  proto->set_salt(report.request.salt);
  proto->set_confidence(report.request.confidence);
}

void RangeToProto(const engine::SampleRange& range, v1::SampleRange* proto) {
  proto->set_found(range.found);
  proto->set_low(range.low);
  proto->set_high(range.high);
}

}  // namespace throng::service
