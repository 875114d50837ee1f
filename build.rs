//! Has a release build look whether the panel's bundle is another one. It calls nothing and makes nothing: the bundle comes
//! from `packaging/web-ui`, and a debug build reads it from disk.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var_os("PROFILE").is_some_and(|profile| profile == "release") {
        println!("cargo:rerun-if-changed=web-ui/dist");
    }
}
