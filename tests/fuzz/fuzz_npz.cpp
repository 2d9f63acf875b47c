// Arrays of numpy in a zip archive.
#include "models/import/npz.h"
#include "tests/fuzz/fuzz.h"
#include "tests/models/marian_fixture.h"

namespace heed::fuzz::npz {

void read(std::string_view bytes) {
  for (const auto& [name, value] : models::parse_npz(bytes, "a.npz").tensors)
    require(value.dtype() == DType::f32, "arrays of floats are f32");
}

std::vector<std::string> seeds() {
  using models::npy;
  return {models::zip({{"a.npy", npy("<f4", {2, 3}, std::string(24, '\1'))},
                       {"b.npy", npy("<f2", {4}, std::string(8, '\2'))},
                       {"special:model.yml.npy", npy("|i1", {6}, std::string("a: 1\n\0", 6))}}),
          models::zip({})};
}

}  // namespace heed::fuzz::npz
HEED_FUZZ_TARGET(npz, "PK\x03\x04", "PK\x01\x02", "PK\x05\x06", "\x93NUMPY", "'descr': ", "'<f4'", "'|i1'",
                 "'<f2'", "'fortran_order': ", "'shape': (", "), }", "1099511627776")
