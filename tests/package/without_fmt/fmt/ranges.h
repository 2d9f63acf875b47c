#error "a header of heed::framework or heed::nn asks for fmt"
