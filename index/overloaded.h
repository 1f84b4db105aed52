// One visitor of a variant, made of a lambda for each alternative.
//
//   std::visit(Overloaded{[](const A&) {...}, [](const B&) {...}}, variant);
#ifndef THRONG_INDEX_OVERLOADED_H_
#define THRONG_INDEX_OVERLOADED_H_

namespace throng::index {

// As thread-safe as its lambdas.
template <typename... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <typename... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

}  // namespace throng::index

#endif  // THRONG_INDEX_OVERLOADED_H_
