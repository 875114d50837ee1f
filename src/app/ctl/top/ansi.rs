//! A terminal that speaks ECMA-48, as all of them do: ratatui draws on it.

use std::io::{self, Write};

use ratatui::backend::{Backend, ClearType, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};
use ratatui::style::{Color, Modifier};

/// What a terminal says of itself that says nothing.
const USUAL: Size = Size { width: 80, height: 24 };

/// See the module.
#[derive(Debug)]
pub(super) struct Ansi<W> {
    out: W,
    size: fn() -> Option<Size>,
}

impl<W: Write> Ansi<W> {
    pub(super) fn new(out: W, size: fn() -> Option<Size>) -> Self {
        Self { out, size }
    }
}

impl<W: Write> Backend for Ansi<W> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let (mut style, mut next) = (None, None);
        for (x, y, cell) in content {
            if next != Some((x, y)) {
                write!(self.out, "\x1b[{};{}H", y + 1, x + 1)?;
            }
            let wanted = (cell.fg, cell.bg, cell.modifier);
            if style != Some(wanted) {
                self.out.write_all(rendition(cell).as_bytes())?;
                style = Some(wanted);
            }
            self.out.write_all(cell.symbol().as_bytes())?;
            // Behind a wide sign the cursor is somewhere else: it is told anew.
            next = cell.symbol().is_ascii().then_some((x + 1, y));
        }
        self.out.write_all(b"\x1b[0m")
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        self.out.write_all(b"\x1b[?25l")
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        self.out.write_all(b"\x1b[?25h")
    }

    /// Nothing is ever drawn from where the cursor happens to be.
    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(Position::ORIGIN)
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        let Position { x, y } = position.into();
        write!(self.out, "\x1b[{};{}H", y + 1, x + 1)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.clear_region(ClearType::All)
    }

    fn clear_region(&mut self, what: ClearType) -> io::Result<()> {
        self.out.write_all(match what {
            ClearType::All => b"\x1b[2J",
            ClearType::AfterCursor => b"\x1b[0J",
            ClearType::BeforeCursor => b"\x1b[1J",
            ClearType::CurrentLine => b"\x1b[2K",
            ClearType::UntilNewLine => b"\x1b[0K",
        })
    }

    fn size(&self) -> io::Result<Size> {
        Ok((self.size)().filter(|size| size.width > 0 && size.height > 0).unwrap_or(USUAL))
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize { columns_rows: self.size()?, pixels: Size::ZERO })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Select graphic rendition: everything as usual, then what this cell has.
fn rendition(cell: &Cell) -> String {
    let modifiers = [(Modifier::BOLD, ";1"), (Modifier::DIM, ";2"), (Modifier::REVERSED, ";7")];
    let set: String = modifiers.iter().filter(|(one, _)| cell.modifier.contains(*one)).map(|(_, code)| *code).collect();
    let (front, ground) = (color(cell.fg).map(|code| 30 + code), color(cell.bg).map(|code| 40 + code));
    let colors: String = front.into_iter().chain(ground).map(|code| format!(";{code}")).collect();
    format!("\x1b[0{set}{colors}m")
}

/// The eight colours that every terminal has, and their bright ones; any other is as usual.
fn color(color: Color) -> Option<u8> {
    Some(match color {
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 60,
        Color::White => 67,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::style::Style;
    use ratatui::text::{Line, Span};
    use ratatui::widgets::Paragraph;

    use super::*;

    #[test]
    fn cells_are_written_with_place_and_style() {
        let mut written = Vec::new();
        let size = || Some(Size::new(6, 2));
        let mut terminal = Terminal::new(Ansi::new(&mut written, size)).unwrap();
        let red = Style::new().bg(Color::Red).fg(Color::White).add_modifier(Modifier::BOLD);
        let line = Line::from(vec![Span::styled("AB", red), Span::raw("█x")]);
        terminal.draw(|frame| frame.render_widget(Paragraph::new(line), frame.area())).unwrap();
        drop(terminal);
        let text = String::from_utf8(written).unwrap();
        assert!(text.contains("\x1b[1;1H\x1b[0;1;97;41mAB\x1b[0m█\x1b[1;4Hx"), "{text:?}");
    }

    #[test]
    fn a_terminal_without_a_size_has_the_usual_one() {
        assert_eq!(Ansi::new(Vec::new(), || None).size().unwrap(), USUAL);
        assert_eq!(Ansi::new(Vec::new(), || Some(Size::ZERO)).size().unwrap(), USUAL);
    }
}
