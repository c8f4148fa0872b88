//! JSON as fastjson2 writes it, in its two dialects.
