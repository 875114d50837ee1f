//! A client that sends exactly what it is told, sound or not.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Nothing in these tests takes this long.
const BOUND: Duration = Duration::from_secs(20);

pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The machine-readable reason of a refusal.
    pub fn reason(&self) -> String {
        let problem: serde_json::Value = serde_json::from_slice(&self.body).unwrap_or_default();
        problem["reason"].as_str().unwrap_or_default().to_owned()
    }
}

pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect_timeout(&address, BOUND).expect("the origin listens");
    stream.set_read_timeout(Some(BOUND)).unwrap();
    stream.set_write_timeout(Some(BOUND)).unwrap();
    stream
}

/// Sends `head` (without the empty line) and `body`, and reads one answer.
pub fn ask(address: SocketAddr, head: &str, body: &[u8]) -> Answer {
    let mut stream = connect(address);
    stream.write_all(format!("{head}\r\nHost: origin\r\n\r\n").as_bytes()).unwrap();
    // A refusal may arrive while the body is still going out.
    let _ = stream.write_all(body);
    read_answer(&mut stream, head.starts_with("HEAD"))
}

/// Reads one answer, interim ones aside.
pub fn read_answer(stream: &mut TcpStream, headless: bool) -> Answer {
    loop {
        let answer = read_one(stream, headless);
        if answer.status != 100 {
            return answer;
        }
    }
}

fn read_one(stream: &mut TcpStream, headless: bool) -> Answer {
    let mut data = Vec::new();
    let mut byte = [0];
    while !data.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => data.push(byte[0]),
            // A machine that was halted for a moment.
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            end => panic!("no whole answer ({end:?}): {:?}", String::from_utf8_lossy(&data)),
        }
    }
    let head = String::from_utf8(data).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let mut answer = Answer { status, head, body: Vec::new() };
    if headless || status == 100 || status == 304 || status == 204 {
        return answer;
    }
    let length: Option<usize> = answer.header("content-length").map(|value| value.parse().unwrap());
    match length {
        Some(length) => {
            answer.body = vec![0; length];
            stream.read_exact(&mut answer.body).unwrap();
        }
        None => panic!("an answer without content-length: {}", answer.head),
    }
    answer
}
