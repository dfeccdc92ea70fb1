//! `println!` and its kin for the verbs: the ones of the standard library panic where their output cannot be written.

macro_rules! println {
    () => { $crate::io::printing::line(format_args!("")) };
    ($($words:tt)*) => { $crate::io::printing::line(format_args!($($words)*)) };
}

macro_rules! print {
    ($($words:tt)*) => { $crate::io::printing::part(format_args!($($words)*)) };
}

macro_rules! eprintln {
    ($($words:tt)*) => { $crate::io::printing::remark(format_args!($($words)*)) };
}

macro_rules! eprint {
    ($($words:tt)*) => { $crate::io::printing::remark_part(format_args!($($words)*)) };
}
