// safetensors: round trips, the bytes Python writes, every way a file can be wrong, and writes that fail.
#include "framework/io/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>

#include "framework/core/half.h"
#include "framework/framework.h"
#include "tests/testing/close.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/throws.h"

namespace heed {
namespace {

std::string file_of(const std::string& header, size_t data_bytes, uint64_t length_field) {
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length_field, 8);
  return bytes + header + std::string(data_bytes, '\0');
}
std::string file_of(const std::string& header, size_t data_bytes) {
  return file_of(header, data_bytes, header.size());
}

TEST(Safetensors, RoundTripOfEveryDtypeAndShape) {
  manual_seed(2);
  const NamedTensors tensors = {{"b.weight", randn({3, 4})},
                                {"a", randn({2, 1, 5}, DType::f64)},
                                {"ids", from_vector(std::vector<int64_t>{-1, INT64_MAX, INT64_MIN}, {3})},
                                {"scalar", full({}, 2.5)},
                                {"none", zeros({0, 7})},
                                {"odd", from_vector(std::vector<float>{NAN, INFINITY, -0.0F, 1e-45F}, {4})},
                                {"strided", transpose(randn({3, 2}))}};
  const TempDir dir;
  save_safetensors(dir / "x.st", tensors, {{"kind", "test"}, {"text", "zwei\n\"Zeilen\" \u00e4"}});
  const SafetensorsFile file = load_safetensors(dir / "x.st");
  ASSERT_EQ(file.tensors.size(), tensors.size());
  for (const auto& [name, x] : tensors) EXPECT_TRUE(all_close(file.tensors.at(name), x, 0, 0)) << name;
  EXPECT_TRUE(std::signbit(file.tensors.at("odd").to_vector<float>()[2]));
  EXPECT_EQ(file.metadata.at("text"), "zwei\n\"Zeilen\" \u00e4");
  EXPECT_EQ(to_safetensors(tensors), to_safetensors(tensors));
}

TEST(Safetensors, WritesTheLayoutOfTheReference) {
  const std::string bytes =
      to_safetensors({{"z", ones({1})}, {"b", ones({2}, DType::f64)}, {"a", ones({1}, DType::i64)}});
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  EXPECT_EQ((8 + length) % 64, 0U);
  std::string header = bytes.substr(8, length);
  header.erase(header.find_last_not_of(' ') + 1);
  EXPECT_EQ(
      header,
      R"({"a":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},"b":{"dtype":"F64","shape":[2],"data_offsets":[8,24]},)"
      R"("z":{"dtype":"F32","shape":[1],"data_offsets":[24,28]}})");
  EXPECT_EQ(bytes.size(), 8 + length + 28);
  EXPECT_ERROR(ValueError, "save: the name 'w' is used twice",
               to_safetensors({{"w", ones({1})}, {"w", ones({2})}}));
}

TEST(Safetensors, ReadsWhatPythonWrites) {
  // safetensors.numpy.save({"w": [[1, 2], [3, 4]] f32, "n": [7] i64}, {"format": "np"}): header padded to a
  // multiple of 8 only.
  std::string header =
      R"({"__metadata__":{"format":"np"},"n":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},)"
      R"("w":{"dtype":"F32","shape":[2,2],"data_offsets":[8,24]}})";
  header.append((8 - header.size() % 8) % 8, ' ');
  std::string bytes = file_of(header, 24);
  const int64_t seven = 7;
  const float values[] = {1, 2, 3, 4};
  std::memcpy(bytes.data() + 8 + header.size(), &seven, 8);
  std::memcpy(bytes.data() + 16 + header.size(), values, 16);
  const SafetensorsFile file = parse_safetensors(bytes, "py.st");
  EXPECT_EQ(file.tensors.at("w").to_vector<float>(), (std::vector<float>{1, 2, 3, 4}));
  EXPECT_EQ(file.tensors.at("n").to_vector<int64_t>(), (std::vector<int64_t>{7}));
  EXPECT_EQ(file.metadata.at("format"), "np");
  EXPECT_TRUE(parse_safetensors(file_of("{}", 0), "empty.st").tensors.empty());
}

TEST(Safetensors, WhatAnEntryHasBesideItsFieldsIsPassedOver) {
  const std::string entry = R"("dtype":"F32","shape":[1],"data_offsets":[0,4])";
  for (const std::string& more :
       {std::string("1"), std::string("null"), std::string(R"({"shape":[{"dtype":[]}]})"),
        std::string(1'000'000, '[') + std::string(1'000'000, ']')}) {
    for (const std::string& header :
         {"{\"w\":{\"more\":" + more + "," + entry + "}}", "{\"w\":{" + entry + ",\"more\":" + more + "}}"}) {
      EXPECT_EQ(parse_safetensors(file_of(header, 4), "more.st").tensors.at("w").shape(), (Shape{1}));
    }
  }
}

// Quadratic work would take a minute here.
TEST(Safetensors, ManyTensors) {
  NamedTensors tensors;
  for (int i = 0; i < 50'000; ++i) tensors.emplace_back("tensor" + std::to_string(i), zeros({0}));
  EXPECT_EQ(parse_safetensors(to_safetensors(tensors), "many.st").tensors.size(), tensors.size());
}

// A file of one tensor 'w' with these bytes.
std::string one_tensor(const std::string& type, const std::string& shape, const std::string& data) {
  const std::string bytes = file_of(R"({"w":{"dtype":")" + type + R"(","shape":)" + shape +
                                        R"(,"data_offsets":[0,)" + std::to_string(data.size()) + "]}}",
                                    0);
  return bytes + data;
}
template <class T>
std::string raw(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

// Bit patterns from IEEE 754-2008, table 3.5 and section 3.4, and from rounding by hand.
TEST(Half, KnownBitPatterns) {
  const std::vector<std::pair<uint16_t, float>> f16{
      {0x0000, 0.0F},     {0x3C00, 1.0F},       {0xC000, -2.0F},     {0x7BFF, 65504.0F},
      {0x0400, 0x1p-14F}, {0x03FF, 0x3FFp-24F}, {0x0001, 0x1p-24F},  {0x3555, 0x1.554p-2F},
      {0x7C00, INFINITY}, {0xFC00, -INFINITY},  {0x8001, -0x1p-24F}, {0x4248, 3.140625F}};
  for (const auto& [bits, value] : f16) {
    EXPECT_EQ(from_f16(bits), value) << bits;
    EXPECT_EQ(to_f16(value), bits) << value;
  }
  const std::vector<std::pair<uint16_t, float>> bf16{
      {0x3F80, 1.0F},      {0xC000, -2.0F},     {0x4049, 3.140625F}, {0x7F80, INFINITY},
      {0xFF80, -INFINITY}, {0x0080, 0x1p-126F}, {0x0001, 0x1p-133F}, {0x7F7F, 0x1.FEp127F}};
  for (const auto& [bits, value] : bf16) {
    EXPECT_EQ(from_bf16(bits), value) << bits;
    EXPECT_EQ(to_bf16(value), bits) << value;
  }
  EXPECT_EQ(to_f16(-0.0F), 0x8000);
  EXPECT_EQ(to_bf16(-0.0F), 0x8000);
  EXPECT_TRUE(std::signbit(from_f16(0x8000)) && std::signbit(from_bf16(0x8000)));
}

TEST(Half, RoundsToTheNearestAndTiesToEven) {
  EXPECT_EQ(to_f16(65519.996F), 0x7BFF);
  EXPECT_EQ(to_f16(65520.0F), 0x7C00);      // half way to the next one, which would be 65536
  EXPECT_EQ(to_f16(1 + 0x1p-11F), 0x3C00);  // a tie, down to even
  EXPECT_EQ(to_f16(1 + 0x3p-11F), 0x3C02);  // a tie, up to even
  EXPECT_EQ(to_f16(1 + 0x1.002p-11F), 0x3C01);
  EXPECT_EQ(to_f16(0x1p-25F), 0x0000);  // a tie between 0 and the least subnormal
  EXPECT_EQ(to_f16(0x1.000002p-25F), 0x0001);
  EXPECT_EQ(to_f16(0x3p-25F), 0x0002);
  EXPECT_EQ(to_f16(0x1.FFFp-15F), 0x0400);  // rounds up to the least normal one
  EXPECT_EQ(to_f16(1e-45F), 0x0000);
  EXPECT_EQ(to_bf16(1 + 0x1p-8F), 0x3F80);
  EXPECT_EQ(to_bf16(1 + 0x3p-8F), 0x3F82);
  EXPECT_EQ(to_bf16(3.4028235e38F), 0x7F80);  // the largest float is nearer to 2^128
  for (const uint32_t nan : {0x7F800001U, 0xFFC00000U, 0x7FFFFFFFU}) {
    EXPECT_TRUE(std::isnan(from_f16(to_f16(std::bit_cast<float>(nan)))));
    EXPECT_TRUE(std::isnan(from_bf16(to_bf16(std::bit_cast<float>(nan)))));
  }
}

TEST(Half, EveryPatternComesBack) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    const float f16 = from_f16(half), bf16 = from_bf16(half);
    if (std::isnan(f16)) {
      EXPECT_EQ(bits & 0x7C00, 0x7C00U);
    } else {
      ASSERT_EQ(to_f16(f16), half);
    }
    if (!std::isnan(bf16)) {
      ASSERT_EQ(to_bf16(bf16), half);
    }
  }
  // against every float beside a half: the nearest is never further than either neighbour
  for (uint32_t bits = 0x0001; bits < 0x7BFF; ++bits) {
    const float here = from_f16(static_cast<uint16_t>(bits)),
                next = from_f16(static_cast<uint16_t>(bits + 1));
    const float middle = (here + next) / 2;
    ASSERT_EQ(to_f16(std::nextafter(middle, here)), bits);
    ASSERT_EQ(to_f16(std::nextafter(middle, next)), bits + 1);
    ASSERT_EQ(to_f16(middle), bits % 2 == 0 ? bits : bits + 1);
  }
}

TEST(Safetensors, ReadsEveryTypeOfFiles) {
  const auto read = [](const std::string& type, const std::string& data, size_t n) {
    const std::string bytes = one_tensor(type, "[" + std::to_string(n) + "]", data);
    const SafetensorsFile file = parse_safetensors(bytes, "t.st");
    EXPECT_STREQ(name_of(file.types.at("w")), type.c_str());
    return file.tensors.at("w");
  };
  EXPECT_EQ(read("F16", raw<uint16_t>({0x3C00, 0x0001, 0xFC00}), 3).to_vector<float>(),
            (std::vector<float>{1, 0x1p-24F, -INFINITY}));
  EXPECT_EQ(read("BF16", raw<uint16_t>({0x3F80, 0x4049, 0x0001}), 3).to_vector<float>(),
            (std::vector<float>{1, 3.140625F, 0x1p-133F}));
  EXPECT_TRUE(std::isnan(read("F16", raw<uint16_t>({0x7E01}), 1).to_vector<float>()[0]));
  EXPECT_EQ(read("I8", raw<int8_t>({-128, 127}), 2).to_vector<int64_t>(), (std::vector<int64_t>{-128, 127}));
  EXPECT_EQ(read("U8", raw<uint8_t>({0, 255}), 2).to_vector<int64_t>(), (std::vector<int64_t>{0, 255}));
  EXPECT_EQ(read("I16", raw<int16_t>({-32768, 32767}), 2).to_vector<int64_t>(),
            (std::vector<int64_t>{-32768, 32767}));
  EXPECT_EQ(read("I32", raw<int32_t>({INT32_MIN, INT32_MAX}), 2).to_vector<int64_t>(),
            (std::vector<int64_t>{INT32_MIN, INT32_MAX}));
  EXPECT_ERROR(FormatError, "load 'm.st': 'w' has offsets that do not fit its shape",
               parse_safetensors(one_tensor("F16", "[3]", "1234"), "m.st"));
}

TEST(Safetensors, StoresTensorsInTheTypeThatIsChosen) {
  const NamedTensors tensors{{"half", from_vector(std::vector<float>{1, 65520, -0.0F}, {3})},
                             {"brain", from_vector(std::vector<float>{3.1416F, NAN}, {2})},
                             {"tiny", from_vector(std::vector<int64_t>{-128, 127}, {2})},
                             {"byte", from_vector(std::vector<int64_t>{255}, {1})},
                             {"short", transpose(reshape(arange(6), {2, 3})).to(DType::i64)},
                             {"int", from_vector(std::vector<int64_t>{INT32_MIN}, {1})},
                             {"own", full({2}, 0.5, DType::f64)}};
  const std::map<std::string, FileType> types{
      {"half", FileType::f16},  {"brain", FileType::bf16}, {"tiny", FileType::i8}, {"byte", FileType::u8},
      {"short", FileType::i16}, {"int", FileType::i32},    {"own", FileType::f64}};
  const std::string bytes =
      to_safetensors(tensors, {}, [&](const std::string& name, const Tensor&) { return types.at(name); });
  const SafetensorsFile file = parse_safetensors(bytes, "t.st");
  EXPECT_EQ(file.types, types);
  EXPECT_EQ(file.tensors.at("half").to_vector<float>(), (std::vector<float>{1, INFINITY, 0}));
  EXPECT_EQ(file.tensors.at("brain").to_vector<float>()[0], 3.140625F);
  EXPECT_TRUE(std::isnan(file.tensors.at("brain").to_vector<float>()[1]));
  for (const auto& [name, x] : tensors) {
    if (x.dtype() != DType::f32) {
      EXPECT_TRUE(all_close(file.tensors.at(name), x, 0, 0)) << name;
    }
  }
  const std::string brains = to_safetensors(tensors, {}, floats_as(FileType::bf16));
  EXPECT_EQ(parse_safetensors(brains, "b.st").types.at("half"), FileType::bf16);
  EXPECT_EQ(parse_safetensors(brains, "b.st").types.at("tiny"), FileType::i64);
  EXPECT_ERROR(ValueError, "save: 'w' holds 128, which is outside the range of 8 bits",
               to_safetensors({{"w", full({1}, 128, DType::i64)}}, {},
                              [](const std::string&, const Tensor&) { return FileType::i8; }));
  EXPECT_ERROR(ValueError, "save: 'w' is f32[2], which cannot be stored as I16",
               to_safetensors({{"w", ones({2})}}, {},
                              [](const std::string&, const Tensor&) { return FileType::i16; }));
}

TEST(Safetensors, ADirectoryIsNoFile) {
  const TempDir dir;
  for (const auto read : {+[](const std::filesystem::path& path) { load_safetensors(path); },
                          +[](const std::filesystem::path& path) { map_safetensors(path); }}) {
    EXPECT_THAT([&] { read(dir.path()); },
                testing::ThrowsMessage<IoError>(testing::HasSubstr("Is a directory")));
  }
}

TEST(Safetensors, AMappedFileIsReadWithoutCopies) {
  manual_seed(3);
  const TempDir dir;
  const NamedTensors tensors{{"a", randn({40, 30})}, {"b", randn({7}, DType::f64)}, {"h", randn({50, 9})}};
  save_safetensors(dir / "m.st", tensors, {{"k", "v"}}, [](const std::string& name, const Tensor& x) {
    return name == "h" ? FileType::bf16 : x.dtype() == DType::f64 ? FileType::f64 : FileType::f32;
  });
  const std::string before = read_file(dir / "m.st");
  Tensor a, h;
  const int64_t active = memory_stats().active_bytes;
  {
    const SafetensorsFile file = map_safetensors(dir / "m.st");
    a = file.tensors.at("a");
    h = file.tensors.at("h");
    EXPECT_EQ(file.metadata.at("k"), "v");
    EXPECT_TRUE(all_close(file.tensors.at("b"), tensors[1].second, 0, 0));
  }
  // the f32 values are none of the pool's, 450 others were converted
  EXPECT_LT(memory_stats().active_bytes - active, 40 * 30 * 4);
  EXPECT_TRUE(all_close(a, tensors[0].second, 0, 0));  // the mapping lives as long as its tensors
  EXPECT_EQ(a.body()->storage->owner->use_count(), 1);
  // what is written stays in this process
  a.fill_(0);
  EXPECT_EQ(read_file(dir / "m.st"), before);
  // I8 and BF16 stay in the file if that is wanted
  const Tensor whole = from_vector(std::vector<int64_t>{-128, 0, 127}, {3}), halves = ones({3}) * 1.5;
  for (const FileType type :
       {FileType::i8, FileType::i16, FileType::i32, FileType::i64, FileType::bf16, FileType::f16}) {
    const bool floating = type == FileType::bf16 || type == FileType::f16;
    const Tensor& x = floating ? halves : whole;
    save_safetensors(dir / "i.st", {{"i", x}}, {}, [&](const std::string&, const Tensor&) { return type; });
    EXPECT_TRUE(all_close(map_safetensors(dir / "i.st").tensors.at("i"), x, 0, 0));
    const SafetensorsFile file = map_safetensors(dir / "i.st", {}, SmallTypes::in_place);
    EXPECT_EQ(file.types.at("i"), type);
    if (type != FileType::i8 && type != FileType::bf16) {
      EXPECT_TRUE(all_close(file.tensors.at("i"), x, 0, 0));
      EXPECT_TRUE(file.in_place.empty());
      continue;
    }
    EXPECT_TRUE(file.tensors.empty());
    const InFile& stored = file.in_place.at("i");
    EXPECT_EQ(stored.shape, Shape{3});
    if (floating) {
      const auto* const bits = static_cast<const uint16_t*>(stored.values);
      EXPECT_THAT(std::vector<int>(bits, bits + 3), testing::ElementsAre(0x3FC0, 0x3FC0, 0x3FC0));
    } else {
      const auto* const values = static_cast<const int8_t*>(stored.values);
      EXPECT_THAT(std::vector<int>(values, values + 3), testing::ElementsAre(-128, 0, 127));
    }
  }
  EXPECT_ERROR(IoError, "cannot open 'none.st': No such file or directory", map_safetensors(dir / "none.st"));
  write_file_atomically(dir / "empty.st", "");
  EXPECT_ERROR(FormatError, "load 'empty.st': the file is too short for safetensors",
               map_safetensors(dir / "empty.st"));
  for (const Tensor& to : {zeros({40, 30}), zeros({2, 2})}) {  // one that takes the memory, one too small
    const Tensor from = map_safetensors(dir / "m.st").tensors.at("a");
    const Tensor view = transpose(to);
    EXPECT_EQ(share_memory(to, from), to.numel() == 1200);
    EXPECT_EQ(to.raw_data() == from.raw_data(), to.numel() == 1200);
    EXPECT_EQ(view.raw_data(), to.raw_data());
    EXPECT_FALSE(share_memory(to, from));  // not twice
  }
}

struct Malformed {
  const char* what;
  std::string bytes, message;  // after "load 'm.st': "
};

std::vector<Malformed> malformed() {
  const auto entry = [](const std::string& body, size_t data = 8) {
    return file_of("{\"w\":" + body + "}", data);
  };
  const std::string plausible = "the header length is not plausible; not a safetensors file?";
  return {
      {"no bytes", "", "the file is too short for safetensors"},
      {"seven bytes", "1234567", "the file is too short for safetensors"},
      {"another kind of file", "\x89PNG\r\n\x1a\n and more", plausible},
      {"a header of 100 MB and a byte", file_of("{}", 0, 100'000'001), plausible},
      {"a length that wraps", file_of("{}", 0, UINT64_MAX - 4), plausible},
      {"cut off inside the header", file_of("{}", 0, 3), "the file ends inside its header"},
      {"an empty header", file_of("", 0), "the header does not start with '{'"},
      {"a leading space", file_of(" {}", 0), "the header does not start with '{'"},
      {"a list", file_of("[]", 0), "the header does not start with '{'"},
      {"half a JSON object", file_of("{\"w\":", 0), "the header is not JSON"},
      {"text after the object", file_of("{} x", 0), "the header is not JSON"},
      {"bytes that are not UTF-8", file_of("{\"\xff\":1}", 0), "the header is not JSON"},
      {"brackets for a tensor", file_of("{\"w\":" + std::string(1'000'000, '['), 0),
       "'w' has no dtype, shape and data_offsets"},
      {"brackets for a shape", entry(R"({"dtype":"F32","shape":)" + std::string(1'000'000, '[')),
       "a size or offset is not a whole number"},
      {"brackets without an end", entry(R"({"more":)" + std::string(1'000'000, '[')),
       "the header is not JSON"},
      {"metadata in metadata", file_of(R"({"__metadata__":{"a":{}}})", 0),
       "__metadata__ holds something that is not text"},
      {"a name twice",
       file_of(
           R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
           8),
       "the name 'w' stands twice"},
      {"a field twice", entry(R"({"dtype":"F32","dtype":"F64","shape":[1],"data_offsets":[0,8]})"),
       "the name 'dtype' stands twice"},
      {"metadata of a number", file_of(R"({"__metadata__":{"a":1}})", 0),
       "__metadata__ holds something that is not text"},
      {"metadata that is text", file_of(R"({"__metadata__":"a"})", 0), "__metadata__ is not an object"},
      {"a tensor that is a number", entry("1"), "'w' has no dtype, shape and data_offsets"},
      {"no dtype", entry(R"({"shape":[2],"data_offsets":[0,8]})"),
       "'w' has no dtype, shape and data_offsets"},
      {"three offsets", entry(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8,8]})"),
       "'w' has no dtype, shape and data_offsets"},
      {"an unknown dtype", entry(R"({"dtype":"F8","shape":[8],"data_offsets":[0,8]})"),
       "'w' has dtype F8, which heed does not read (F32, F64, I64, BOOL, F16, BF16, I8, U8, I16, I32)"},
      {"a negative extent", entry(R"({"dtype":"F32","shape":[-2],"data_offsets":[0,8]})"),
       "a size or offset is not a whole number"},
      {"a fraction", entry(R"({"dtype":"F32","shape":[2.0],"data_offsets":[0,8]})"),
       "a size or offset is not a whole number"},
      {"an exponent", entry(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8e0]})"),
       "a size or offset is not a whole number"},
      {"text for a number", entry(R"({"dtype":"F32","shape":["2"],"data_offsets":[0,8]})"),
       "a size or offset is not a whole number"},
      {"seven dimensions", entry(R"({"dtype":"F32","shape":[1,1,1,1,1,1,2],"data_offsets":[0,8]})"),
       "'w' has too many dimensions"},
      {"a product that overflows",
       entry(R"({"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]})"),
       "'w' has a shape that is too large"},
      {"one that overflows before its zero",
       entry(R"({"dtype":"F32","shape":[4611686018427387904,4,0],"data_offsets":[0,0]})", 0),
       "'w' has a shape that is too large"},
      {"one that overflows after its zero",
       entry(R"({"dtype":"F32","shape":[0,4611686018427387904,4],"data_offsets":[0,0]})", 0),
       "'w' has a shape that is too large"},
      {"an extent beyond 64 bits",
       entry(R"({"dtype":"F32","shape":[18446744073709551616],"data_offsets":[0,8]})"),
       "a size or offset is not a whole number"},
      {"offsets that do not fit the shape", entry(R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})"),
       "'w' has offsets that do not fit its shape"},
      {"offsets the wrong way round", entry(R"({"dtype":"F32","shape":[2],"data_offsets":[8,0]})"),
       "'w' has offsets that do not fit its shape"},
      {"a hole", entry(R"({"dtype":"F32","shape":[2],"data_offsets":[4,12]})", 12),
       "tensors overlap or leave a hole"},
      {"an overlap",
       file_of(
           R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})",
           12),
       "tensors overlap or leave a hole"},
      {"missing data", entry(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})", 7),
       "the file is cut off: tensor data are missing"},
      {"bytes too many", entry(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})", 9),
       "there are bytes after the last tensor"},
      {"a name with a line break", file_of(R"({"w\nx":1})", 0), "'w?x' has no dtype, shape and data_offsets"},
  };
}

TEST(Safetensors, EveryMalformationIsOneClearLine) {
  for (const Malformed& m : malformed()) {
    EXPECT_ERROR(FormatError, "load 'm.st': " + m.message, parse_safetensors(m.bytes, "m.st")) << m.what;
  }
}

TEST(Safetensors, EveryTruncationAndEveryFlippedHeaderByteIsRefusedOrHarmless) {
  manual_seed(1);
  const std::string good = to_safetensors({{"a", randn({3, 2})}, {"b", arange(4)}}, {{"k", "v"}});
  for (size_t n = 0; n < good.size(); ++n)
    EXPECT_THROW(parse_safetensors(good.substr(0, n), "cut"), FormatError) << n;
  uint64_t length = 0;
  std::memcpy(&length, good.data(), 8);
  int refused = 0;
  for (size_t i = 0; i < 8 + length; ++i) {
    for (const char bit : {1, 4, 32}) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ bit);
      try {
        parse_safetensors(bad, "flipped");  // a changed name is a file like any other
      } catch (const FormatError&) {
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, 400);
}

TEST(File, ReadsAndReplaces) {
  const TempDir dir;
  const std::string all_bytes = std::string("\0\n\r\xff", 4) + std::string(200000, 'x');
  write_file_atomically(dir / "f", "old");
  write_file_atomically(dir / "f", all_bytes);
  EXPECT_EQ(read_file(dir / "f"), all_bytes);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()), {}), 1);
  EXPECT_ERROR(IoError, "cannot open '" + (dir / "none").string() + "': No such file or directory",
               read_file(dir / "none"));
  EXPECT_ERROR(IoError, "cannot read '" + dir.path().string() + "': Is a directory", read_file(dir.path()));
}

// Writes beyond `bytes` fail while one lives, as on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &limit);
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int) = nullptr;
};

TEST(File, AWriteThatFailsLeavesTheOldFileAndNothingElse) {
  const TempDir dir;
  const auto target = dir / "f";
  write_file_atomically(target, "old");
  {
    const FileSizeLimit full(1000);
    EXPECT_ERROR(IoError, "cannot write '" + target.string() + "': File too large",
                 write_file_atomically(target, std::string(5000, 'x')));
  }
  EXPECT_EQ(read_file(target), "old");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()), {}), 1);
  EXPECT_ERROR(IoError, "cannot write '" + (dir / "no/such").string() + "': No such file or directory",
               write_file_atomically(dir / "no/such", "x"));
  std::filesystem::create_directory(dir / "folder");
  EXPECT_ERROR(IoError, "cannot write '" + (dir / "folder").string() + "': Is a directory",
               write_file_atomically(dir / "folder", "x"));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()), {}), 2);
}

// Root may write anywhere, so root becomes nobody while one lives.
class OrdinaryUser {
 public:
  OrdinaryUser() {
    if (was_root_ && ::seteuid(65534) != 0) throw std::runtime_error("seteuid");
  }
  ~OrdinaryUser() {
    if (was_root_ && ::seteuid(0) != 0) std::abort();
  }

 private:
  bool was_root_ = ::geteuid() == 0;
};

TEST(File, AReadOnlyFolderIsRefused) {
  const TempDir dir;
  write_file_atomically(dir / "f", "old");
  using std::filesystem::perms;
  std::filesystem::permissions(
      dir.path(), perms::owner_read | perms::owner_exec | perms::others_read | perms::others_exec);
  {
    const OrdinaryUser user;
    EXPECT_ERROR(IoError, "cannot write '" + (dir / "f").string() + "': Permission denied",
                 write_file_atomically(dir / "f", "new"));
  }
  std::filesystem::permissions(dir.path(), perms::owner_all);
  EXPECT_EQ(read_file(dir / "f"), "old");
}

// What could not be read again is not written, and what the file held stays.
TEST(Safetensors, WhatCouldNotBeReadAgainIsRefused) {
  const TempDir dir;
  const auto file = dir.path() / "kept.safetensors";
  save_safetensors(file, {{"a", ones({2})}});
  const std::string before = read_file(file);
  EXPECT_ERROR(ValueError, "save: '__metadata__' names the format's own entry and no tensor",
               save_safetensors(file, {{"__metadata__", ones({2})}, {"a", ones({2})}}));
  EXPECT_ERROR(ValueError, "save: 'b' is undefined", save_safetensors(file, {{"b", Tensor{}}}));
  EXPECT_ERROR(ValueError, "save: a name or a text of the metadata is not UTF-8",
               save_safetensors(file, {{"\xff", ones({2})}}));
  EXPECT_ERROR(ValueError, "save: a name or a text of the metadata is not UTF-8",
               save_safetensors(file, {{"a", ones({2})}}, {{"k", "\xc3"}}));
  EXPECT_EQ(read_file(file), before);
}

}  // namespace
}  // namespace heed
