// Tensors: read, mapped, and as the weights of a run.
#include "framework/framework.h"
#include "framework/io/safetensors.h"
#include "models/run/folder.h"
#include "models/run/weights.h"
#include "tests/fuzz/fuzz.h"

namespace heed::fuzz::safetensors {

NamedTensors tensors() {
  return {{"a.weight", full({3, 4}, 1.5)},
          {"b", full({5}, 0.25, DType::f64)},
          {"c", full({2, 2}, 7, DType::i64)},
          {"d", full({3}, 1, DType::boolean)},
          {"e", full({}, -1.5)},
          {"f", zeros({0, 4})}};
}

void read(std::string_view bytes) {
  const SafetensorsFile file = parse_safetensors(bytes, "file");
  const std::filesystem::path path = scratch("weights");
  put(path, bytes);
  const SafetensorsFile mapped = map_safetensors(path);
  require(mapped.tensors.size() == file.tensors.size(), "mapped as read");
  also([&] {
    for (const auto& [name, value] : models::map_weights(path).tensors) {
      if (value.dtype() == DType::f32) value.to(DType::f64);
      models::all_finite(value);
    }
  });
  NamedTensors again;
  for (const auto& [name, value] : file.tensors) again.emplace_back(name, value);
  require(parse_safetensors(to_safetensors(again, file.metadata), "again").types.size() == file.types.size(),
          "written and read again");
}

std::vector<std::string> seeds() {
  std::vector<std::string> all{to_safetensors(tensors(), {{"format", "heed"}, {"more", "text"}}),
                               to_safetensors({})};
  for (const FileType type : {FileType::f16, FileType::bf16})
    all.push_back(to_safetensors(tensors(), {}, floats_as(type)));
  for (const FileType type : {FileType::i8, FileType::u8, FileType::i16, FileType::i32})
    all.push_back(to_safetensors({{"c", full({3, 2}, 7, DType::i64)}}, {},
                                 [type](const std::string&, const Tensor&) { return type; }));
  const NamedTensors weights{{"w", full({3, 4}, 0.5)}, {"v", full({4}, 0.5)}};
  for (const models::WeightType type : {models::WeightType::f32, models::WeightType::f16,
                                        models::WeightType::bf16, models::WeightType::int8}) {
    models::save_weights(scratch("seed"), weights, {}, type);
    all.push_back(read_file(scratch("seed")));
  }
  return all;
}

}  // namespace heed::fuzz::safetensors
HEED_FUZZ_TARGET(safetensors, "__metadata__", "dtype", "shape", "data_offsets", "F32", "F64", "I64", "BOOL",
                 "F16", "BF16", "I8", "U8", "I16", "I32", ":scale", "[0,4]", "[]", "18446744073709551615")
