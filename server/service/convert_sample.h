// Samples as the engine takes and reports them, and as the API does.
//
//   engine::SampleRequest sample = ToSample(request.sample());
//   SampleToProto(*result.sample, response->mutable_sample());
//
// Every function is thread-safe.
#ifndef THRONG_SERVER_SERVICE_CONVERT_SAMPLE_H_
#define THRONG_SERVER_SERVICE_CONVERT_SAMPLE_H_

#include "server/engine/sample.h"
#include "throng/v1/sampling.pb.h"

namespace throng::service {

// The engine checks what it means.
engine::SampleRequest ToSample(const v1::Sampling& proto);

void SampleToProto(const engine::SampleReport& report, v1::SampleReport* proto);
void RangeToProto(const engine::SampleRange& range, v1::SampleRange* proto);

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_CONVERT_SAMPLE_H_
