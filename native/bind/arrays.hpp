// SPDX-License-Identifier: MIT
// Copyright (c) 2026 The azimuthal developers
//
// Array types of the binding, and handing vectors over to NumPy without a copy.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace nb = nanobind;

namespace azimuthal::bind {

template <class T, class... Shape>
using Input = nb::ndarray<const T, nb::c_contig, nb::device::cpu, Shape...>;
template <class T, class... Shape>
using Output = nb::ndarray<T, nb::c_contig, nb::device::cpu, Shape...>;

using Doubles = Input<double, nb::ndim<1>>;
using OptionalDoubles = std::optional<Doubles>;

template <class T>
const T* data_or_null(const std::optional<Input<T, nb::ndim<1>>>& array) {
  return array ? array->data() : nullptr;
}

// The vector moves to the heap and lives as long as the array.
template <class T, class Allocator>
nb::ndarray<nb::numpy, T, nb::ndim<1>> as_numpy(std::vector<T, Allocator>&& values) {
  auto* owner = new std::vector<T, Allocator>(std::move(values));
  nb::capsule capsule(owner, [](void* p) noexcept { delete static_cast<std::vector<T, Allocator>*>(p); });
  return nb::ndarray<nb::numpy, T, nb::ndim<1>>(owner->data(), {owner->size()}, capsule);
}

// Any contiguous buffer of a Python object, for as long as this lives.
class Bytes {
 public:
  explicit Bytes(nb::handle object) {
    if (PyObject_GetBuffer(object.ptr(), &view_, PyBUF_SIMPLE) != 0) throw nb::python_error();
  }
  ~Bytes() { PyBuffer_Release(&view_); }
  Bytes(const Bytes&) = delete;
  Bytes& operator=(const Bytes&) = delete;
  const std::uint8_t* data() const { return static_cast<const std::uint8_t*>(view_.buf); }
  std::size_t size() const { return static_cast<std::size_t>(view_.len); }

 private:
  Py_buffer view_;
};

inline void require(bool condition, const char* message) {
  if (!condition) throw nb::value_error(message);
}

void bind_chunk(nb::module_& module);
void bind_coordinates(nb::module_& module);
void bind_sample_frame(nb::module_& module);
void bind_corrections(nb::module_& module);
void bind_splitting(nb::module_& module);
void bind_reduction(nb::module_& module);
void bind_robust(nb::module_& module);
void bind_residuals(nb::module_& module);
void bind_interpolation(nb::module_& module);
void bind_peaks(nb::module_& module);
void bind_ridges(nb::module_& module);
void bind_weights(nb::module_& module);
void bind_isa(nb::module_& module);
void bind_covariance(nb::module_& module);

}  // namespace azimuthal::bind
