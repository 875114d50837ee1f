//! The terminal: drawn on, listened to, and left as it was.

use std::io::{self, Write};
use std::time::Duration;

use ratatui::Terminal;
use ratatui::layout::Size;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::ansi::Ansi;
use super::board::Board;
use super::keys::{Keys, Wish};
use super::{feed, view};
use crate::app::ctl::client::{Client, Failure};
use crate::app::ctl::graphics::local;

/// Ages go on although nothing is heard.
const TICK: Duration = Duration::from_millis(500);

/// A page of its own, beside what was there.
const ENTER: &[u8] = b"\x1b[?1049h";
/// Back to what was there, with a cursor.
const LEAVE: &[u8] = b"\x1b[0m\x1b[?25h\x1b[?1049l";

/// Draws until somebody has had enough.
pub(super) async fn run(client: &Client) -> Result<String, Failure> {
    let done = match Held::take() {
        Ok(_held) => draw(client, Keys::listen()).await,
        Err(error) => Err(error),
    };
    let unusable = |error: io::Error| local("no_terminal", format!("the terminal cannot be drawn on: {error}"));
    done.map(|()| String::new()).map_err(unusable)
}

/// The terminal as it was, which it is again when this is gone.
struct Held {
    before: Termios,
}

impl Held {
    /// Keys come one by one, and are not shown.
    fn take() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(io::stdin(), OptionalActions::Flush, &raw)?;
        let held = Self { before };
        io::stdout().write_all(ENTER)?;
        Ok(held)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut out = io::stdout();
        let _ = out.write_all(LEAVE).and_then(|()| out.flush());
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.before);
    }
}

fn size() -> Option<Size> {
    tcgetwinsize(io::stdout()).ok().map(|size| Size::new(size.ws_col, size.ws_row))
}

async fn draw(client: &Client, mut keys: Keys) -> io::Result<()> {
    let mut terminal = Terminal::new(Ansi::new(io::BufWriter::new(io::stdout()), size))?;
    let (tell, mut news) = mpsc::channel(16);
    let feed = feed::follow(client, tell);
    tokio::pin!(feed);
    let mut terminate = signal(SignalKind::terminate())?;
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut board, mut top) = (Board::default(), 0_u16);
    loop {
        tokio::select! {
            // Goes on for as long as `news` is there.
            () = &mut feed => return Ok(()),
            Some(heard) = news.recv() => board.take(heard, Instant::now()),
            wish = keys.next() => match wish {
                Some(Wish::Move(by)) => top = top.saturating_add_signed(by),
                Some(Wish::Quit) | None => return Ok(()),
            },
            _ = terminate.recv() => return Ok(()),
            _ = tick.tick() => {}
        }
        terminal.draw(|frame| top = view::draw(frame, &board, Instant::now(), top))?;
    }
}
