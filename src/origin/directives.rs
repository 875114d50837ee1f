//! What the query of a request for a playlist asks for (rfc8216bis 6.2.5.1).

use super::problem::Problem;

/// Delivery directives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Directives {
    /// `_HLS_msn`: answer when this segment is listed, or this part of it.
    pub(crate) segment: Option<u64>,
    /// `_HLS_part`
    pub(crate) part: Option<u32>,
    /// `_HLS_skip`: a delta update will do.
    pub(crate) skip: bool,
}

impl Directives {
    /// Reads a query. Parameters of other names are none of the origin's business.
    pub(crate) fn read(query: &str) -> Result<Self, Problem> {
        let mut directives = Self::default();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name {
                "_HLS_msn" => directives.segment = Some(number(value, "_HLS_msn")?),
                "_HLS_part" => directives.part = Some(number(value, "_HLS_part")?),
                // `v2` would skip date ranges as well, which is not offered: a player then gets those too.
                "_HLS_skip" => directives.skip = matches!(value, "YES" | "v2"),
                _ => {}
            }
        }
        match directives {
            Self { segment: None, part: Some(_), .. } => Err(Problem::Directive("`_HLS_part` needs `_HLS_msn`")),
            directives => Ok(directives),
        }
    }
}

fn number<T: std::str::FromStr>(text: &str, name: &'static str) -> Result<T, Problem> {
    let wrong = match name {
        "_HLS_msn" => "`_HLS_msn` must be a media sequence number",
        _ => "`_HLS_part` must be the place of a part in its segment",
    };
    text.parse().map_err(|_| Problem::Directive(wrong))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_are_read_among_other_parameters() {
        let read = |query| Directives::read(query).map_err(|problem| problem.status().1);
        assert_eq!(read(""), Ok(Directives::default()));
        let all = Directives { segment: Some(7), part: Some(2), skip: true };
        assert_eq!(read("token=x&_HLS_msn=7&_HLS_part=2&_HLS_skip=YES"), Ok(all));
        assert_eq!(read("_HLS_skip=NO&_HLS_msn=7"), Ok(Directives { segment: Some(7), part: None, skip: false }));
        for bad in
            ["_HLS_part=1", "_HLS_msn=", "_HLS_msn=-1", "_HLS_msn=1&_HLS_part=x", "_HLS_msn=99999999999999999999"]
        {
            assert_eq!(read(bad), Err("directive"), "{bad}");
        }
    }
}
