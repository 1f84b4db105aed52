#include "fuzz/message_input.h"

#include <algorithm>
#include <limits>
#include <memory>

#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/stubs/logging.h"
#include "google/protobuf/text_format.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t size_max);

// Protobuf would log a line of every broken input.
extern "C" int LLVMFuzzerInitialize(int*, char***) {
  google::protobuf::SetLogHandler(nullptr);
  return 0;
}

namespace throng::fuzz {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::MessageFactory;
using google::protobuf::Reflection;
using google::protobuf::TextFormat;

constexpr std::string_view kBetween = "\n---\n";
constexpr int kDepthMax = 80;
constexpr size_t kTextBytesMax = 200;

uint32_t Below(uint32_t end, Random& random) { return static_cast<uint32_t>(random()) % end; }

// What makes sense in one field or another: of the population in fuzz/call_fuzzer.cc.
std::string KnownText(Random& random) {
  constexpr const char* kTexts[] = {"city = 'Paris'",
                                    "rent between 1 and 20.5 and not likes = 'a'",
                                    "top 3 by rent of exists(city)",
                                    "crowd('vip') or crowd('spring', live)",
                                    "any 2 by 'salt' of all",
                                    "born > '2000-01-01'",
                                    "populations/default",
                                    "populations/default/crowds/vip",
                                    "populations/default/tags/city",
                                    "populations/default/crowds/vip/versions/1",
                                    "populations/default/crowds/vip/uploads/1",
                                    "populations/default/splits/ab",
                                    "populations/other",
                                    "city",
                                    "likes",
                                    "rent",
                                    "views",
                                    "born",
                                    "seen",
                                    "graduate",
                                    "vip",
                                    "spring",
                                    "phone",
                                    "u1",
                                    "u2",
                                    "7",
                                    "Paris",
                                    "50",
                                    "99.9",
                                    "UTC",
                                    "America/New_York",
                                    "2024-02-29",
                                    "request-1",
                                    ""};
  return kTexts[Below(std::size(kTexts), random)];
}

std::string MutatedText(std::string text, bool is_utf8, Random& random) {
  if (Below(2, random) == 0) return KnownText(random);
  const size_t size = std::min(text.size(), kTextBytesMax);
  text.resize(kTextBytesMax);
  text.resize(LLVMFuzzerMutate(reinterpret_cast<uint8_t*>(text.data()), size, kTextBytesMax));
  if (is_utf8 && Below(8, random) != 0) {
    for (char& c : text) c = static_cast<char>(c & 0x7f);
  }
  return text;
}

template <typename Number>
Number MutatedNumber(Number number, Random& random) {
  using Limits = std::numeric_limits<Number>;
  switch (Below(8, random)) {
    case 0:
      return Limits::max();
    case 1:
      return Limits::lowest();
    case 2:
      return static_cast<Number>(number < Limits::max() / 2 ? number + 1 : 0);
    case 3:
      return static_cast<Number>(number > 0 ? number - 1 : 0);
    case 4:
      return static_cast<Number>(-1);
    case 5:
      return static_cast<Number>(uint64_t{random()} * 65'537);
    default:
      return static_cast<Number>(Below(20, random));
  }
}

double MutatedDouble(double number, Random& random) {
  using Limits = std::numeric_limits<double>;
  constexpr double kNumbers[] = {0,
                                 -0.0,
                                 1,
                                 -1,
                                 0.5,
                                 100,
                                 Limits::max(),
                                 Limits::min(),
                                 1e18,
                                 1e19,
                                 0.95,
                                 Limits::infinity(),
                                 Limits::quiet_NaN()};
  if (Below(3, random) == 0) return number * 1.5;
  return kNumbers[Below(std::size(kNumbers), random)];
}

// A field of one value; Get and Set of Reflection are called through these.
struct Single {
  Message& message;
  const Reflection& reflection;
  const FieldDescriptor* field;
};

void MutateSingle(const Single& at, Random& random) {
  Message* const m = &at.message;
  const FieldDescriptor* const f = at.field;
  const Reflection& r = at.reflection;
  switch (f->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      r.SetInt32(m, f, MutatedNumber(r.GetInt32(*m, f), random));
      return;
    case FieldDescriptor::CPPTYPE_INT64:
      r.SetInt64(m, f, MutatedNumber(r.GetInt64(*m, f), random));
      return;
    case FieldDescriptor::CPPTYPE_UINT32:
      r.SetUInt32(m, f, MutatedNumber(r.GetUInt32(*m, f), random));
      return;
    case FieldDescriptor::CPPTYPE_UINT64:
      r.SetUInt64(m, f, MutatedNumber(r.GetUInt64(*m, f), random));
      return;
    case FieldDescriptor::CPPTYPE_DOUBLE:
      r.SetDouble(m, f, MutatedDouble(r.GetDouble(*m, f), random));
      return;
    case FieldDescriptor::CPPTYPE_FLOAT:
      r.SetFloat(m, f, static_cast<float>(Below(9, random)));
      return;
    case FieldDescriptor::CPPTYPE_BOOL:
      r.SetBool(m, f, !r.GetBool(*m, f));
      return;
    case FieldDescriptor::CPPTYPE_ENUM:
      r.SetEnumValue(m, f, static_cast<int>(Below(12, random)));
      return;
    case FieldDescriptor::CPPTYPE_STRING:
      r.SetString(
          m, f, MutatedText(r.GetString(*m, f), f->type() == FieldDescriptor::TYPE_STRING, random));
      return;
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return;
  }
}

void AddValue(const Single& at, Random& random) {
  Message* const m = &at.message;
  const FieldDescriptor* const f = at.field;
  const Reflection& r = at.reflection;
  switch (f->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      r.AddInt32(m, f, MutatedNumber<int32_t>(0, random));
      return;
    case FieldDescriptor::CPPTYPE_INT64:
      r.AddInt64(m, f, MutatedNumber<int64_t>(0, random));
      return;
    case FieldDescriptor::CPPTYPE_UINT32:
      r.AddUInt32(m, f, MutatedNumber<uint32_t>(0, random));
      return;
    case FieldDescriptor::CPPTYPE_UINT64:
      r.AddUInt64(m, f, MutatedNumber<uint64_t>(0, random));
      return;
    case FieldDescriptor::CPPTYPE_DOUBLE:
      r.AddDouble(m, f, MutatedDouble(1, random));
      return;
    case FieldDescriptor::CPPTYPE_FLOAT:
      r.AddFloat(m, f, 1);
      return;
    case FieldDescriptor::CPPTYPE_BOOL:
      r.AddBool(m, f, true);
      return;
    case FieldDescriptor::CPPTYPE_ENUM:
      r.AddEnumValue(m, f, static_cast<int>(Below(12, random)));
      return;
    case FieldDescriptor::CPPTYPE_STRING:
      r.AddString(m, f, KnownText(random));
      return;
    case FieldDescriptor::CPPTYPE_MESSAGE:
      r.AddMessage(m, f);
      return;
  }
}

void MutateAt(Message& message, int depth, Random& random);

void MutateRepeated(const Single& at, int depth, Random& random) {
  const int size = at.reflection.FieldSize(at.message, at.field);
  const uint32_t choice = Below(6, random);
  if (size == 0 || choice == 0) return AddValue(at, random);
  const int place = static_cast<int>(Below(static_cast<uint32_t>(size), random));
  if (choice == 1) {
    at.reflection.SwapElements(&at.message, at.field, place, size - 1);
    return at.reflection.RemoveLast(&at.message, at.field);
  }
  if (at.field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    Message* const element = at.reflection.MutableRepeatedMessage(&at.message, at.field, place);
    if (choice == 2) {
      const std::unique_ptr<Message> copy(element->New());
      copy->CopyFrom(*element);
      return at.reflection.AddMessage(&at.message, at.field)->CopyFrom(*copy);
    }
    return MutateAt(*element, depth + 1, random);
  }
  AddValue(at, random);  // in the place of another
  at.reflection.SwapElements(&at.message, at.field, place, size);
  at.reflection.RemoveLast(&at.message, at.field);
}

void MutateAt(Message& message, int depth, Random& random) {
  const Descriptor* const type = message.GetDescriptor();
  if (type->field_count() == 0) return;
  const Reflection& reflection = *message.GetReflection();
  // One that is there more often than one that is not.
  std::vector<const FieldDescriptor*> set;
  reflection.ListFields(message, &set);
  const FieldDescriptor* field = !set.empty() && Below(3, random) != 0
                                     ? set[Below(static_cast<uint32_t>(set.size()), random)]
                                     : type->field(static_cast<int>(Below(
                                           static_cast<uint32_t>(type->field_count()), random)));
  const Single at{message, reflection, field};
  if (field->is_repeated()) return MutateRepeated(at, depth, random);
  if (Below(16, random) == 0) return reflection.ClearField(&message, field);
  if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) return MutateSingle(at, random);
  if (depth < kDepthMax) MutateAt(*reflection.MutableMessage(&message, field), depth + 1, random);
}

std::unique_ptr<Message> New(const Descriptor* type) {
  return std::unique_ptr<Message>(MessageFactory::generated_factory()->GetPrototype(type)->New());
}

// Mistakes in the text of an input are no news.
class Silent final : public google::protobuf::io::ErrorCollector {
  void AddError(int, google::protobuf::io::ColumnNumber, const std::string&) override {}
};

}  // namespace

MessageInput SplitInput(std::string_view bytes) {
  const size_t line = std::min(bytes.find('\n'), bytes.size());
  MessageInput input{.name = bytes.substr(0, line)};
  bytes.remove_prefix(std::min(line + 1, bytes.size()));
  for (size_t end = bytes.find(kBetween); end != bytes.npos; end = bytes.find(kBetween)) {
    input.bodies.push_back(bytes.substr(0, end));
    bytes.remove_prefix(end + kBetween.size());
  }
  input.bodies.push_back(bytes);
  return input;
}

std::string JoinInput(std::string_view name, const std::vector<std::string>& bodies) {
  std::string bytes(name);
  for (size_t i = 0; i < bodies.size(); ++i) {
    bytes += i == 0 ? "\n" : kBetween;
    bytes += bodies[i];
  }
  return bytes;
}

bool ParseMessage(std::string_view body, Message* message) {
  if (!body.empty() && body[0] == '\0') {
    return message->ParseFromArray(body.data() + 1, static_cast<int>(body.size() - 1));
  }
  Silent silent;
  TextFormat::Parser parser;
  parser.RecordErrorsTo(&silent);
  parser.SetRecursionLimit(kDepthMax * 2);
  return parser.ParseFromString(std::string(body), message);
}

void Mutate(Message& message, Random& random) { MutateAt(message, 0, random); }

size_t MutateInput(uint8_t* data, size_t size, size_t size_max, unsigned seed,
                   const Descriptor* type) {
  Random random(seed);
  if (type == nullptr || Below(5, random) == 0) return LLVMFuzzerMutate(data, size, size_max);
  const MessageInput input = SplitInput({reinterpret_cast<const char*>(data), size});
  std::vector<std::string> bodies(input.bodies.begin(), input.bodies.end());
  std::string& body = bodies[Below(static_cast<uint32_t>(bodies.size()), random)];
  const std::unique_ptr<Message> message = New(type);
  if (!ParseMessage(body, message.get())) message->Clear();
  for (uint32_t changes = 1 + Below(3, random); changes > 0; --changes) Mutate(*message, random);
  if (Below(3, random) == 0) {
    body = std::string(1, '\0') + message->SerializeAsString();
  } else {
    TextFormat::PrintToString(*message, &body);
  }
  const std::string changed = JoinInput(input.name, bodies);
  if (changed.size() > size_max) return LLVMFuzzerMutate(data, size, size_max);
  std::copy(changed.begin(), changed.end(), data);
  return changed.size();
}

}  // namespace throng::fuzz
